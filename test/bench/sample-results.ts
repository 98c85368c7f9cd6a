// SPDX-License-Identifier: Apache-2.0
import type {
  BenchResults,
  CaseResult,
  ClientsMeasurement,
  ClientsResult,
  Measurement,
} from "../../bench/results.ts";

/** A measurement with the given times; every round's peak is the same. */
export function measurement(
  contender: string,
  seconds: readonly number[],
  peakMemory = 100e6,
): Measurement {
  const samples = seconds.map((value) => ({ seconds: value, peakMemory }));
  return { contender, command: `${contender} does | it`, samples };
}

/** A case that takes lade 1 s, docker 11 s and a copy 0.9 s. */
export function caseResult(id: string, about: Partial<CaseResult> = {}): CaseResult {
  return {
    id,
    title: `\`${id}\``,
    measurements: [
      measurement("lade", [1, 0.9, 1.1]),
      measurement("docker", [11, 10, 12]),
      measurement("floor", [0.9]),
    ],
    ...about,
  };
}

/** What an engine answered in ten seconds. */
export function clientsMeasurement(
  contender: string,
  requests: number,
  about: Partial<ClientsMeasurement> = {},
): ClientsMeasurement {
  const p50 = 50 / requests;
  return { contender, requests, seconds: 10, failures: 0, p50, p99: 2 * p50, ...about };
}

/** Results of a whole run in which every target is met. */
export function benchResults(about: Partial<BenchResults> = {}): BenchResults {
  const ids = ["load-file", "load-redirect", "load-pipe", "load-gzip"];
  ids.push("save-file", "save-redirect", "save-pipe", "import", "rmi");
  ids.push("api-load", "api-save");
  ids.push("run-load", "run-archive", "run", "commit-small", "export-file");
  const detached = caseResult("detached", { measurements: [measurement("lade", [1], 2e6)] });
  const images = caseResult("images", { measurements: [measurement("lade", [0.05])] });
  const sizes = [0.1e9, 10e9];
  return {
    date: "2026-01-02T03:04:05.000Z",
    commit: "abcdef0",
    rounds: 3,
    quick: false,
    machine: { processor: "two | cores" },
    versions: { docker: "20.10" },
    image: { layerCount: 4, size: 843e6, gzipSize: 260e6 },
    overheadSeconds: 0.005,
    warnings: [],
    cases: [...ids.map((id) => caseResult(id)), images, detached],
    growth: sizes.flatMap((size) =>
      ["growth-load", "growth-save"].map((id) => caseResult(id, { size })),
    ),
    clients: ["list-images", "list-containers", "inspect-image", "inspect-container"].map(
      (id): ClientsResult => ({
        id: `api-${id}`,
        title: id,
        clients: 50,
        measurements: [clientsMeasurement("lade", 2_000), clientsMeasurement("docker", 1_000)],
      }),
    ),
    idleMemory: 70e6,
    lists: [caseResult("list", { count: 10_000, measurements: [measurement("lade", [0.09])] })],
    ...about,
  };
}
