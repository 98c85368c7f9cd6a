// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, shellQuote } from "../test/helpers/tools.ts";
import type { CaseResult, Measurement, Sample } from "./results.ts";

const LATE_MS = 20 * 60_000;

/** What stands before a command so that its peak memory is told; see `peakFile`. */
export const peakPrefix = '/usr/bin/time --quiet -f %M -o "$PEAK"';

/**
 * One contender's part in a case. All commands are for bash, with `pipefail`; `$ROUND` is the
 * round, 0 for the warm-up.
 */
export interface Step {
  readonly contender: string;
  /** The timed command as a user would type it. */
  readonly label: string;
  readonly timed: string;
  /** Once, before the first round. */
  readonly setUp?: string | undefined;
  /** Before each timed command, untimed. */
  readonly before?: string | undefined;
  /** After the warm-up's timed command: fails if the work was not done. */
  readonly check?: string | undefined;
  /** After each timed command, untimed. */
  readonly after?: string | undefined;
  /** Once, at the end. */
  readonly tearDown?: string | undefined;
  /** A daemon that does the contender's work; its memory counts. */
  readonly daemonPid?: number | undefined;
}

export interface CasePlan extends Omit<CaseResult, "measurements"> {
  readonly rounds: number;
  /** Files that are read before each timed command, so that all contenders find them cached. */
  readonly warm: readonly string[];
  /** Empties the page cache instead, once what has to be written is written. */
  readonly cold?: boolean;
  readonly steps: readonly Step[];
}

export interface MeasureOptions {
  /** A folder for small files of the measuring itself. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly report: (line: string) => void;
}

interface Runner {
  readonly step: Step;
  readonly samples: Sample[];
  failure?: string;
}

/**
 * Measures a case's contenders in turns. A contender whose command fails drops out, with the
 * reason; the others go on.
 */
export async function measureInTurns(plan: CasePlan, options: MeasureOptions): Promise<CaseResult> {
  const runners = plan.steps.map((step): Runner => ({ step, samples: [] }));
  for (const runner of runners) {
    await guarded(runner, () => shell(runner.step.setUp, options, 0));
  }
  for (let round = 0; round <= plan.rounds; round += 1) {
    options.report(`${plan.id}: ${round === 0 ? "warm-up" : `round ${round} of ${plan.rounds}`}`);
    for (const runner of rotated(runners, round)) {
      if (runner.failure !== undefined) continue;
      await guarded(runner, () => takeTurn(runner, plan, options, round));
    }
  }
  for (const runner of runners) {
    await guarded(runner, () => shell(runner.step.tearDown, options, 0));
  }
  const { rounds: _rounds, warm: _warm, cold: _cold, steps: _steps, ...about } = plan;
  return { ...about, measurements: runners.map(toMeasurement) };
}

async function guarded(runner: Runner, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    runner.failure ??= error instanceof Error ? error.message : String(error);
  }
}

/** The same contenders in a circle, from another one on each round. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const start = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

async function takeTurn(
  runner: Runner,
  plan: CasePlan,
  options: MeasureOptions,
  round: number,
): Promise<void> {
  const { step } = runner;
  await shell(step.before, options, round);
  await settle(plan, options);
  const sample = await timeOnce(step, options, round);
  if (round === 0) await shell(step.check, options, round);
  else runner.samples.push(sample);
  await shell(step.after, options, round);
}

async function settle(plan: CasePlan, options: MeasureOptions): Promise<void> {
  const cache = plan.cold
    ? "echo 3 > /proc/sys/vm/drop_caches"
    : plan.warm.map((path) => `cat ${shellQuote(path)} > /dev/null`).join("; ");
  await shell(`sync; ${cache || ":"}`, options, 0);
}

/** Times one command, from the start of its shell to its end. */
async function timeOnce(step: Step, options: MeasureOptions, round: number): Promise<Sample> {
  const peak = peakFile(options);
  rmSync(peak, { force: true });
  if (step.daemonPid !== undefined) writeFileSync(`/proc/${step.daemonPid}/clear_refs`, "5");
  const start = process.hrtime.bigint();
  await shell(step.timed, options, round);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const ofDaemon = step.daemonPid === undefined ? 0 : daemonPeak(step.daemonPid);
  const peakMemory = Math.max(readPeak(peak), ofDaemon);
  return peakMemory === 0 ? { seconds } : { seconds, peakMemory };
}

/**
 * In memory where there is such a folder: right after `sync`, making a file on a disk that is still
 * busy took 100 ms of each time that was measured.
 */
function peakFile(options: MeasureOptions): string {
  const folder = existsSync("/dev/shm") ? "/dev/shm" : options.folder;
  return join(folder, `lade-bench-peak-${process.pid}`);
}

/** Bytes; 0 where the command was not run under `peakPrefix`. */
function readPeak(path: string): number {
  try {
    return Number(readFileSync(path, "utf8").trim()) * 1024;
  } catch {
    return 0;
  }
}

function daemonPeak(pid: number): number {
  const match = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1] ?? 0) * 1024;
}

async function shell(
  command: string | undefined,
  options: MeasureOptions,
  round: number,
): Promise<void> {
  if (command === undefined) return;
  const result = await run("/bin/bash", ["-o", "pipefail", "-c", command], {
    env: { ...options.env, ROUND: String(round), PEAK: peakFile(options) },
    timeoutMs: LATE_MS,
  });
  if (result.code !== 0) {
    const said = result.stderr.trim().split("\n").slice(-3).join(" ").slice(0, 400);
    throw new Error(`exit ${result.code}: ${said} (${command.slice(0, 400)})`);
  }
}

function toMeasurement({ step, samples, failure }: Runner): Measurement {
  const about = { contender: step.contender, command: step.label };
  return failure === undefined ? { ...about, samples } : { ...about, samples: [], failure };
}
