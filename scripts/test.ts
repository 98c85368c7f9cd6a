// SPDX-License-Identifier: Apache-2.0

/**
 * Runs the tests: all of them, or the files whose paths contain one of the arguments.
 *
 * Prints one line for each file, failures in full, and the runner's counts. Exits 1 when a test
 * fails, when a file has no tests and when there is nothing to run.
 */

import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import type { EventData } from "node:test";
import { run } from "node:test";
import { inspect } from "node:util";

const root = join(import.meta.dirname, "..");

/** Tests that start daemons or need the machine for themselves run one file after the other. */
const serialFolders = ["test/peers/", "test/clients/"];

interface Totals {
  readonly counts: Record<"tests" | "passed" | "cancelled" | "skipped" | "todo", number>;
  readonly failures: string[];
  readonly skipped: string[];
}

/** What is known of a file while it runs. */
interface FileState {
  /** Names of the test that runs and of those around it. */
  readonly names: string[];
  output: string;
  /** Whether it had a test or failed without one. */
  ended: boolean;
}

function findTests(filters: readonly string[]): string[] {
  return readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
    .map((name) => join("test", name))
    .filter((path) => path.endsWith(".test.ts"))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .sort();
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, "    ");
}

/** Message, own frames and causes of what a test threw. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === "string" ? error : inspect(error);
  const lines = (error.stack ?? error.message)
    .split("\n")
    .filter((line) => !/^ +at .*\(?node:/.test(line));
  const cause = error.cause === undefined ? "" : `\ncaused by ${describeError(error.cause)}`;
  return lines.join("\n") + cause;
}

function reportFailure(data: EventData.TestFail, state: FileState, totals: Totals): void {
  const { error } = data.details;
  const isSuiteOnly = "failureType" in error && error.failureType === "subtestsFailed";
  if (isSuiteOnly || data.todo !== undefined) return;
  state.ended = true;
  const path = relative(root, data.file ?? "");
  if (data.name === data.file) {
    // The file's process ended early: what it printed is all that is known.
    totals.failures.push(path);
    const signal = "signal" in error && error.signal ? ` by ${error.signal}` : "";
    const output = indent(state.output.slice(-4000));
    console.log(`FAIL ${path} was ended${signal} before its tests were\n${output}`);
    return;
  }
  const name = [...state.names.slice(0, data.nesting), data.name].join(" > ");
  totals.failures.push(`${path}:${data.line ?? 1} ${name}`);
  console.log(`FAIL ${totals.failures.at(-1)}\n${indent(describeError(error.cause ?? error))}`);
}

function reportFile(data: EventData.TestSummary, state: FileState, totals: Totals): void {
  const path = relative(root, data.file ?? "");
  const { counts } = data;
  for (const key of ["tests", "passed", "cancelled", "skipped", "todo"] as const) {
    totals.counts[key] += counts[key];
  }
  state.ended ||= counts.tests > 0;
  const seconds = (data.duration_ms / 1000).toFixed(1);
  console.log(`${data.success ? "ok  " : "FAIL"} ${path} ${counts.tests} tests ${seconds} s`);
  if (!data.success && state.output !== "") {
    console.log(indent(`its output:\n${state.output.slice(-4000)}`));
  }
}

async function runFiles(files: string[], concurrency: number, totals: Totals): Promise<void> {
  const states = new Map<string, FileState>();
  const stateOf = (file: string | undefined): FileState => {
    const state = states.get(file ?? "") ?? { names: [], output: "", ended: false };
    states.set(file ?? "", state);
    return state;
  };
  const events = run({
    files: files.map((file) => join(root, file)),
    concurrency,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    timeout: 900_000,
  });
  for await (const { type, data } of events) {
    if (type === "test:start") {
      stateOf(data.file).names[data.nesting] = data.name;
    } else if (type === "test:fail") {
      reportFailure(data, stateOf(data.file), totals);
    } else if (type === "test:pass" && data.skip !== undefined) {
      totals.skipped.push(`${relative(root, data.file ?? "")} ${data.name}`);
    } else if (type === "test:stdout" || type === "test:stderr") {
      stateOf(data.file).output += data.message;
    } else if (type === "test:summary" && data.file !== undefined) {
      reportFile(data, stateOf(data.file), totals);
    }
  }
  for (const file of files.filter((path) => !stateOf(join(root, path)).ended)) {
    totals.failures.push(`${file} has no tests`);
  }
}

const started = performance.now();
const files = findTests(process.argv.slice(2));
const isSerial = (file: string): boolean => serialFolders.some((folder) => file.startsWith(folder));
const totals: Totals = {
  counts: { tests: 0, passed: 0, cancelled: 0, skipped: 0, todo: 0 },
  failures: [],
  skipped: [],
};
for (const [group, concurrency] of [
  [files.filter((file) => !isSerial(file)), availableParallelism()],
  [files.filter(isSerial), 1],
] as const) {
  if (group.length > 0) await runFiles(group, concurrency, totals);
}
if (totals.counts.tests === 0) totals.failures.push("no tests ran");

const list = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? "" : `\n${title}:\n${lines.map((line) => `  ${line}\n`).join("")}`;
const { counts } = totals;
console.log(list("skipped", totals.skipped) + list("failed", totals.failures));
console.log(`ℹ tests ${counts.tests}\nℹ pass ${counts.passed}\nℹ fail ${totals.failures.length}`);
console.log(`ℹ cancelled ${counts.cancelled}\nℹ skipped ${counts.skipped}\nℹ todo ${counts.todo}`);
console.log(`ℹ duration_ms ${Math.round(performance.now() - started)}`);
process.exitCode = totals.failures.length > 0 ? 1 : 0;
