// SPDX-License-Identifier: Apache-2.0
import {
  type BenchResults,
  type CaseResult,
  type ClientsMeasurement,
  findMeasurement,
  peakMemoryOf,
  rateOf,
  ratioOf,
  timeOf,
} from "./results.ts";
import { formatRatio, formatSeconds, formatSize } from "./stats.ts";

export interface TargetRow {
  readonly id: string;
  readonly target: string;
  readonly want: string;
  readonly got: string;
  readonly verdict: "met" | "missed" | "not measured";
}

interface Target {
  readonly id: string;
  readonly target: string;
  readonly limit: number;
  /** Whether `limit` is the least or the most that will do. */
  readonly bound: "at least" | "at most";
  readonly format: (value: number) => string;
  readonly measure: (results: BenchResults) => number | undefined;
}

const timesAsFast: readonly (readonly [id: string, target: string, limit: number])[] = [
  ["load-file", "`load -i`, synced to disk, against docker", 10],
  ["save-file", "`save -o` against docker", 10],
  ["load-redirect", "`load <` against docker", 6],
  ["load-pipe", "`cat \\| load` against docker", 6],
  ["save-redirect", "`save >` against docker", 6],
  ["save-pipe", "`save \\| cat` against docker", 6],
  ["import", "`import` against docker", 6],
  ["load-gzip", "`load -i` of a gzip archive against docker", 2],
  ["run-load", "`load` and first `run` against docker", 8],
  ["run-archive", "running an archive in place against docker's `load` and `run`", 10],
  ["export-file", "`export -o` against docker", 4],
  ["api-load", "`docker load` through the API against dockerd", 5],
  ["api-save", "`docker save` through the API against dockerd", 5],
];

/** lade's time as a part of docker's, at most. */
const partsOfTime: readonly (readonly [id: string, target: string, limit: number])[] = [
  ["run", "`run --rm … true` against docker", 0.8],
  ["commit-small", "`commit` of two small files against docker", 1],
];

/** What many clients at once ask for: as much of it as dockerd answers, and none later. */
const clientKinds: readonly (readonly [id: string, title: string])[] = [
  ["api-list-images", "list images"],
  ["api-list-containers", "list containers"],
  ["api-inspect-image", "inspect an image"],
  ["api-inspect-container", "inspect a container"],
];

function clientTargets([id, title]: readonly [string, string]): Target[] {
  const pairOf = (results: BenchResults, value: (one: ClientsMeasurement) => number) => {
    const all = results.clients.find((result) => result.id === id)?.measurements ?? [];
    const [lade, docker] = ["lade", "docker"].map((name) =>
      all.find(({ contender }) => contender === name),
    );
    // Answers that tell of errors are quick.
    if (lade === undefined || docker === undefined || lade.failures > 0) return undefined;
    return value(lade) / value(docker);
  };
  return [
    {
      id: `${id}-rate`,
      target: `API, ${title}: requests a second against dockerd`,
      limit: 1,
      bound: "at least",
      format: formatRatio,
      measure: (results) => pairOf(results, rateOf),
    },
    {
      id: `${id}-p99`,
      target: `API, ${title}: time of 99 in 100 against dockerd`,
      limit: 1,
      bound: "at most",
      format: formatRatio,
      measure: (results) => pairOf(results, ({ p99 }) => p99),
    },
  ];
}

const targets: readonly Target[] = [
  ...timesAsFast.map(
    ([id, target, limit]): Target => ({
      id,
      target,
      limit,
      bound: "at least",
      format: formatRatio,
      measure: (results) => ratioOf(caseOf(results, id), "docker", "lade"),
    }),
  ),
  ...partsOfTime.map(
    ([id, target, limit]): Target => ({
      id,
      target,
      limit,
      bound: "at most",
      format: formatRatio,
      measure: (results) => ratioOf(caseOf(results, id), "lade", "docker"),
    }),
  ),
  {
    id: "detached",
    target: "memory of lade's own beside a detached container",
    limit: 5e6,
    bound: "at most",
    format: formatSize,
    measure: (results) => peakMemoryOf(findMeasurement(caseOf(results, "detached"), "lade")),
  },
  ...clientKinds.flatMap(clientTargets),
  {
    id: "api-memory",
    target: "memory of a `lade serve` that has nothing to do",
    limit: 80e6,
    bound: "at most",
    format: formatSize,
    measure: ({ idleMemory }) => idleMemory,
  },
  {
    id: "load-floor",
    target: "`load -i` against `cp` and `sync -d` of the same file",
    limit: 1.3,
    bound: "at most",
    format: formatRatio,
    measure: (results) => ratioOf(caseOf(results, "load-file"), "lade", "floor"),
  },
  {
    id: "memory",
    target: "peak memory of lade, at every size and in every case",
    limit: 250e6,
    bound: "at most",
    format: formatSize,
    measure: largestPeak,
  },
  {
    id: "images",
    target: "`lade images`",
    limit: 0.06,
    bound: "at most",
    format: formatSeconds,
    measure: (results) => timeOf(findMeasurement(caseOf(results, "images"), "lade"))?.median,
  },
  {
    id: "images-10000",
    target: "`lade images` with 10,000 images",
    limit: 0.1,
    bound: "at most",
    format: formatSeconds,
    measure: (results) => {
      const list = results.lists.find((result) => result.count === 10_000);
      return timeOf(findMeasurement(list, "lade"))?.median;
    },
  },
];

function caseOf(results: BenchResults, id: string): CaseResult | undefined {
  return results.cases.find((result) => result.id === id);
}

function largestPeak({ cases, growth, lists }: BenchResults): number | undefined {
  const peaks = [...cases, ...growth, ...lists].flatMap(
    (result) => peakMemoryOf(findMeasurement(result, "lade")) ?? [],
  );
  return peaks.length === 0 ? undefined : Math.max(...peaks);
}

/** Every target with what was wanted, what was measured, and whether that will do. */
export function judge(results: BenchResults): TargetRow[] {
  return targets.map(({ id, target, limit, bound, format, measure }) => {
    const value = measure(results);
    const want = `${bound} ${format(limit)}`;
    if (value === undefined) return { id, target, want, got: "-", verdict: "not measured" };
    const met = bound === "at least" ? value >= limit : value <= limit;
    return { id, target, want, got: format(value), verdict: met ? "met" : "missed" };
  });
}
