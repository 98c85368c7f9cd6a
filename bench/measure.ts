// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shellQuote } from "../test/helpers/tools.ts";
import type { CaseResult, Measurement, Sample } from "./results.ts";
import { SetUps } from "./set-ups.ts";
import { shell } from "./shell.ts";

const LATE_MS = 6 * 60_000;

/** A whole round that takes longer than this is slow. */
const SLOW_SECONDS = 20;

/** What stands before a command so that its peak memory is told, in kB in the file `$PEAK`. */
export const peakPrefix = '/usr/bin/time --quiet -f %M -o "$PEAK"';

/** A command that is timed. */
export interface TimedCommand {
  /** As a user would type it. */
  readonly label: string;
  readonly timed: string;
}

/**
 * One contender's part in a case. All commands are for bash, with `pipefail`; `$ROUND` is the
 * round, 0 for the warm-up.
 */
export interface Step extends TimedCommand {
  readonly contender: string;
  /** Before the first round; kept for the next case if that wants the same for this contender. */
  readonly setUp?: string | undefined;
  /** Before each timed command, untimed. */
  readonly before?: string | undefined;
  /** After the warm-up's timed command: fails if the work was not done. */
  readonly check?: string | undefined;
  /** Timed too, for the case that the plan's `next` names; in place of `after`, or before it. */
  readonly next?: TimedCommand | undefined;
  /** After each timed command, untimed. */
  readonly after?: string | undefined;
  /** Undoes `setUp`. */
  readonly tearDown?: string | undefined;
  /** A daemon that does the contender's work; its memory counts. */
  readonly daemonPid?: number | undefined;
}

type CaseFacts = Omit<CaseResult, "measurements">;

export interface CasePlan extends CaseFacts {
  readonly rounds: number;
  /** Rounds where the warm-up took longer than `SLOW_SECONDS`; as many as else where undefined. */
  readonly slowRounds?: number;
  /** Files that are read before each timed command, so that all contenders find them cached. */
  readonly warm: readonly string[];
  /** Empties the page cache instead, once what has to be written is written. */
  readonly cold?: boolean;
  readonly steps: readonly Step[];
  /** The case of the steps' `next`. */
  readonly next?: CaseFacts;
}

export interface MeasureOptions {
  /** A folder for small files of the measuring itself. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly report: (line: string) => void;
  /** Kept from case to case; those of a case alone where undefined. */
  readonly setUps?: SetUps;
}

interface Runner {
  readonly step: Step;
  readonly samples: Sample[];
  readonly nextSamples: Sample[];
  failure?: string;
}

/**
 * Measures a case's contenders in turns, and the case that follows from it.
 *
 * A contender whose command fails drops out, with the reason and what it has; the others go on.
 */
export async function measureInTurns(
  plan: CasePlan,
  options: MeasureOptions,
): Promise<CaseResult[]> {
  const setUps = options.setUps ?? createSetUps(options);
  const runners = plan.steps.map((step): Runner => ({ step, samples: [], nextSamples: [] }));
  for (const runner of runners) {
    await guarded(runner, options, () => setUps.enter(runner.step));
  }
  let rounds = plan.rounds;
  for (let round = 0; round <= rounds; round += 1) {
    options.report(`${plan.id}: ${round === 0 ? "warm-up" : `round ${round} of ${rounds}`}`);
    const start = performance.now();
    for (const runner of rotated(runners, round)) {
      if (runner.failure !== undefined) continue;
      await guarded(runner, options, () => takeTurn(runner, plan, options, round));
    }
    const isSlow = (performance.now() - start) / 1000 > SLOW_SECONDS;
    if (round === 0 && isSlow) rounds = plan.slowRounds ?? rounds;
  }
  for (const { step, failure } of runners) {
    // Nobody knows what a contender that failed has left.
    if (failure !== undefined) await setUps.leave(step.contender).catch(() => undefined);
  }
  if (options.setUps === undefined) await setUps.leaveAll();
  return resultsOf(plan, runners);
}

/** Set-ups that last until somebody leaves them. */
export function createSetUps(options: MeasureOptions): SetUps {
  return new SetUps((command) => inShell(command, options, 0));
}

async function guarded(
  runner: Runner,
  options: MeasureOptions,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    runner.failure ??= error instanceof Error ? error.message : String(error);
    options.report(`${runner.step.contender} drops out: ${runner.failure}`);
  }
}

/** The same contenders in a circle, from another one on each round. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const start = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

async function takeTurn(
  { step, samples, nextSamples }: Runner,
  plan: CasePlan,
  options: MeasureOptions,
  round: number,
): Promise<void> {
  await inShell(step.before, options, round);
  await settle(plan, options);
  const sample = await timeOnce(step.timed, { step, options, round });
  if (round > 0) samples.push(sample);
  else await inShell(step.check, options, round);
  if (step.next !== undefined) {
    await inShell("sync", options, round);
    const nextSample = await timeOnce(step.next.timed, { step, options, round });
    if (round > 0) nextSamples.push(nextSample);
  }
  await inShell(step.after, options, round);
}

/** Writes out what is left over, and sees to it that the page cache is the same for everyone. */
async function settle(plan: CasePlan, options: MeasureOptions): Promise<void> {
  const cache = plan.cold ? ["echo 3 > /proc/sys/vm/drop_caches"] : plan.warm.map(warmUp);
  await inShell(["sync", ...cache].join("; "), options, 0);
}

/** Reads a file unless all of it is cached; what is read goes nowhere near this process. */
function warmUp(path: string): string {
  const file = shellQuote(path);
  const isCached = `[ "$(fincore -nbo RES ${file})" -ge "$(stat -c %s ${file})" ]`;
  return `${isCached} || cat ${file} > /dev/null`;
}

interface Timing {
  readonly step: Step;
  readonly options: MeasureOptions;
  readonly round: number;
}

/**
 * Times one command line.
 *
 * The shell itself tells when it starts the command and when that has ended: what it takes this
 * process to start a shell depends on its own size, and was in every figure.
 */
async function timeOnce(timed: string, { step, options, round }: Timing): Promise<Sample> {
  const [peak, times] = [smallFile("peak", options), smallFile("times", options)];
  rmSync(peak, { force: true });
  if (step.daemonPid !== undefined) writeFileSync(`/proc/${step.daemonPid}/clear_refs`, "5");
  const script = [
    "started=$EPOCHREALTIME",
    `{ ${timed}`,
    "}",
    "code=$? ended=$EPOCHREALTIME",
    `echo "$started $ended" > "$TIMES"`,
    "exit $code",
  ].join("\n");
  await inShell(script, options, round, timed);
  const [started = "", ended = ""] = readFileSync(times, "utf8").trim().split(" ");
  const ofDaemon = step.daemonPid === undefined ? 0 : daemonPeak(step.daemonPid);
  const peakMemory = Math.max(readPeak(peak), ofDaemon);
  const seconds = secondsOf(ended) - secondsOf(started);
  return peakMemory === 0 ? { seconds } : { seconds, peakMemory };
}

/** Some languages write a comma. */
function secondsOf(epochTime: string): number {
  return Number(epochTime.replace(",", "."));
}

/**
 * In memory where there is such a folder: right after `sync`, making a file on a disk that is still
 * busy took 100 ms of each time that was measured.
 */
function smallFile(name: string, options: MeasureOptions): string {
  const folder = existsSync("/dev/shm") ? "/dev/shm" : options.folder;
  return join(folder, `lade-bench-${name}-${process.pid}`);
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

async function inShell(
  command: string | undefined,
  options: MeasureOptions,
  round: number,
  shown?: string,
): Promise<void> {
  if (command === undefined) return;
  const files = { PEAK: smallFile("peak", options), TIMES: smallFile("times", options) };
  const env = { ...options.env, ...files, ROUND: String(round) };
  await shell(command, { env, timeoutMs: LATE_MS, shown });
}

function resultsOf(plan: CasePlan, runners: readonly Runner[]): CaseResult[] {
  const { rounds: _r, slowRounds: _s, warm: _w, cold: _c, steps: _t, next, ...about } = plan;
  const measured = (command: TimedCommand, samples: readonly Sample[], runner: Runner) => {
    const { failure, step } = runner;
    const measurement: Measurement = { contender: step.contender, command: command.label, samples };
    return failure === undefined ? measurement : { ...measurement, failure };
  };
  const first = runners.map((runner) => measured(runner.step, runner.samples, runner));
  const results: CaseResult[] = [{ ...about, measurements: first }];
  if (next !== undefined) {
    const measurements = runners.flatMap((runner) =>
      runner.step.next === undefined ? [] : measured(runner.step.next, runner.nextSamples, runner),
    );
    results.push({ ...next, measurements });
  }
  return results;
}
