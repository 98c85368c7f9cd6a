// SPDX-License-Identifier: Apache-2.0
import {
  type BenchResults,
  type CaseResult,
  findMeasurement,
  type Measurement,
  peakMemoryOf,
  rateOf,
  ratioOf,
  timeOf,
} from "./results.ts";
import { formatRatio, formatSeconds, formatSize } from "./stats.ts";
import { judge } from "./targets.ts";

/** The contender that is a plain copy. */
const FLOOR = "floor";

export interface ReportOptions {
  readonly chart: string;
  /** Causes of missed targets, by the target's id. */
  readonly causes: Readonly<Record<string, string>>;
}

/**
 * A table in Markdown; cells are Markdown, with bars already escaped.
 *
 * @param words how many columns in front hold words; numbers after them are set to the right
 */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  words = 1,
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, index) => (index < words ? "---" : "---:"));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/** `docs/benchmarks.md`, all of it. */
export function renderReport(results: BenchResults, options: ReportOptions): string {
  const parts = [
    "# Benchmarks",
    "Made by `npm run bench`; the numbers behind it are in `benchmarks.json`.",
    ...(results.quick ? ["**A smoke test with a tiny image: these figures say nothing.**"] : []),
    ...results.warnings.map((warning) => `**${warning}**`),
    `![Medians of every tool, and lade's memory by size](${options.chart})`,
    "## Targets",
    targetTable(results, options.causes),
    "## Times",
    "Medians. lade verifies every digest and syncs to disk before it reports success; docker, podman and skopeo do not sync.",
    timeTable(results.cases),
    ...growthPart(results),
    ...listPart(results),
    ...clientsPart(results),
    "## Each command",
    detailTable([...results.cases, ...results.lists]),
    "## Machine and versions",
    factTable(results),
    "## How it was measured",
    method(results),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function targetTable(results: BenchResults, causes: Readonly<Record<string, string>>): string {
  const rows = judge(results).map(({ id, target, want, got, verdict }) => {
    const cause = verdict === "missed" ? (causes[id] ?? "cause not known yet") : "";
    return [target, want, got, verdict === "missed" ? `**missed**: ${cause}` : verdict];
  });
  return markdownTable(["target", "want", "got", "verdict"], rows, 4);
}

/** Contenders in the order in which they first appear. */
function contendersOf(cases: readonly CaseResult[]): string[] {
  return [...new Set(cases.flatMap((result) => result.measurements.map((one) => one.contender)))];
}

function timeTable(cases: readonly CaseResult[]): string {
  const contenders = contendersOf(cases).filter((name) => name !== FLOOR);
  const rows = cases.map((result) => {
    const floor = findMeasurement(result, FLOOR);
    const overDocker = ratioOf(result, "docker", "lade");
    const overFloor = ratioOf(result, "lade", FLOOR);
    return [
      escapeCell(result.title),
      ...contenders.map((name) => medianCell(findMeasurement(result, name))),
      medianCell(floor),
      overDocker === undefined ? "" : formatRatio(overDocker),
      overFloor === undefined ? "" : formatRatio(overFloor),
    ];
  });
  return markdownTable(["", ...contenders, "floor", "docker / lade", "lade / floor"], rows);
}

function medianCell(measurement: Measurement | undefined): string {
  if (measurement === undefined) return "";
  const time = timeOf(measurement);
  if (time !== undefined) return formatSeconds(time.median);
  return measurement.failure === undefined ? "" : "failed";
}

function growthPart({ growth }: BenchResults): string[] {
  if (growth.length === 0) return [];
  const sizes = [...new Set(growth.flatMap((result) => result.size ?? []))];
  const rows = sizes.map((size) => [
    formatSize(size),
    ...["load", "save"].flatMap((id) => {
      const result = growth.find((one) => one.id === `growth-${id}` && one.size === size);
      const lade = findMeasurement(result, "lade");
      const peak = peakMemoryOf(lade);
      const overFloor = ratioOf(result, "lade", FLOOR);
      return [
        medianCell(lade),
        medianCell(findMeasurement(result, FLOOR)),
        overFloor === undefined ? "" : formatRatio(overFloor),
        peak === undefined ? "" : formatSize(peak),
      ];
    }),
  ]);
  const head = ["load -i", "save -o"].flatMap((name) => [
    `\`${name}\``,
    "`cp` + `sync -d`",
    "ratio",
    "peak memory",
  ]);
  return [
    "## Growth",
    "lade with archives of five layers and random content; files of 43 kB on average.",
    markdownTable(["archive", ...head], rows),
  ];
}

function listPart({ lists }: BenchResults): string[] {
  if (lists.length === 0) return [];
  const contenders = contendersOf(lists);
  const rows = lists.map((result) => [
    (result.count ?? 0).toLocaleString("en-GB"),
    ...contenders.map((name) => medianCell(findMeasurement(result, name))),
  ]);
  return [
    "## `images` in a full store",
    markdownTable(["images", ...contenders.map((name) => `\`${name} images\``)], rows),
  ];
}

function clientsPart({ clients }: BenchResults): string[] {
  if (clients.length === 0) return [];
  const rows = clients.flatMap(({ title, measurements }) =>
    measurements.map((one) => [
      title,
      one.contender,
      rateOf(one).toFixed(0),
      formatSeconds(one.p50),
      formatSeconds(one.p99),
      String(one.failures),
    ]),
  );
  const [{ clients: count } = { clients: 0 }] = clients;
  return [
    "## API: many clients at once",
    `${count} connections that stay open, each of which sends the next request when it has the answer; the engines take turns. The clients run on the same machine.`,
    markdownTable(
      ["", "engine", "requests a second", "median", "99 of 100 within", "failed"],
      rows,
      2,
    ),
  ];
}

function detailTable(cases: readonly CaseResult[]): string {
  const rows = cases.flatMap((result) =>
    result.measurements.map((measurement) => {
      const peak = peakMemoryOf(measurement);
      const many = result.count === undefined ? "" : ` (${result.count} images)`;
      return [
        `\`${escapeCell(measurement.command)}\`${many}`,
        ...timeCells(measurement),
        peak === undefined ? "" : formatSize(peak),
      ];
    }),
  );
  return markdownTable(["command", "median", "min", "max", "rounds", "peak memory"], rows);
}

/** Median, ends and count, and where the contender dropped out the reason. */
function timeCells(measurement: Measurement): string[] {
  const time = timeOf(measurement);
  const reason = escapeCell(shortened(measurement.failure ?? "no rounds"));
  if (time === undefined) return [`failed: ${reason}`, "", "", ""];
  const count = measurement.failure === undefined ? "" : `, then failed: ${reason}`;
  return [
    formatSeconds(time.median),
    formatSeconds(time.min),
    formatSeconds(time.max),
    `${time.count}${count}`,
  ];
}

function factTable({ date, commit, machine, versions, image }: BenchResults): string {
  const facts = {
    date,
    commit,
    ...machine,
    ...versions,
    "bench image": `${image.layerCount} layers, ${formatSize(image.size)}; gzip ${formatSize(image.gzipSize)}`,
  };
  const rows = Object.entries(facts).map(([name, value]) => [escapeCell(name), escapeCell(value)]);
  return markdownTable(["", ""], rows, 2);
}

function method({ rounds, overheadSeconds }: BenchResults): string {
  return [
    `- All tools take turns in one run: a warm-up round, which does not count, then ${rounds} rounds (four times as many for commands that take milliseconds, 2 where a round of the growth table takes over 20 s); each round starts with another tool.`,
    "- Before each timed step, untimed: what the last step left is removed, the input file is read once so that it is in the page cache for every tool, and `sync` writes out what is left over. Between load rounds the image is removed, so each load does all the work; that is the `rmi` that is measured. In the warm-up the image ID is checked after a load, and the saved archive's manifest after a save.",
    "- All stores and outputs are on the same disk and file system.",
    `- A time is from the shell's start of the command line to its end, as that shell tells it. Starting \`time\` takes ${formatSeconds(overheadSeconds)} here, which is in every figure.`,
    "- Peak memory is the largest of all rounds, as wait4(2) tells it of the command; for docker it is the larger of the client's and of what dockerd reached during the step (VmHWM, reset before), without dockerd's helper processes.",
    "- `floor` is a plain copy of the same bytes, made durable: `cp` and `sync -d`, for pipes `cat | cat` and `sync -d`, for gzip `gzip -dc` and `sync -d`.",
    "- skopeo has no store of its own: it copies to and from an OCI folder with uncompressed layers.",
    "- Sizes are in powers of 1000.",
  ].join("\n");
}

/** The reason without the folders and times of one run. */
function shortened(failure: string): string {
  const words = failure.replaceAll(/(?:\/[\w.-]+)+\/([\w.-]+)/g, "$1");
  return words.length <= 160 ? words : `${words.slice(0, 160)}…`;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
