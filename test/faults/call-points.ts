// SPDX-License-Identifier: Apache-2.0

/** Disturbs a command at its system calls, one after the other, and looks at what each left. */

import { isDeepStrictEqual } from "node:util";
import { CallBed, type Disturbance, type DisturbedRun, type Ended } from "./call-bed.ts";
import { type ErrorName, errorsOf, type Mutation } from "./call-kinds.ts";
import type { CommandCase } from "./command-cases.ts";
import type { StoreState } from "./store-state.ts";

export type PointKind = "kill" | "error";

export interface PointsOptions {
  readonly program: string;
  readonly command: CommandCase;
  readonly kind: PointKind;
  readonly choice: PointChoice;
  readonly stopsEarly?: boolean;
  readonly log?: (line: string) => void;
}

export interface PointChoice {
  /** Which ones, where not all are taken. */
  readonly seed: number;
  /** About so many of each command; all where it is left out. */
  readonly count?: number | undefined;
  /** Of those the share of one of several processes. */
  readonly share?: { readonly index: number; readonly of: number };
  /** Nothing but the first of these. */
  readonly only?: (mutation: Mutation, plan: Disturbance) => boolean;
}

export interface PointsResult {
  readonly command: string;
  /** Calls that change something, in an undisturbed run. */
  readonly calls: number;
  /** Runs that were disturbed. */
  readonly points: number;
  /** Disturbed runs that did their work all the same, and said so. */
  readonly wentOn: readonly string[];
  readonly failures: readonly string[];
}

/** How the command and what follows it end, and what is there then. */
interface Outcome {
  readonly exits: readonly number[];
  readonly left: readonly string[];
}

/** What is right: the command was not run at all, or it was run to its end. */
interface References {
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly states: readonly StoreState[];
  readonly outcomes: readonly Outcome[];
}

export async function disturbAll(options: PointsOptions): Promise<PointsResult> {
  using bed = new CallBed(options.program, options.command);
  const references = await makeReferences(bed);
  bed.restore();
  const undisturbed = bed.disturb(undefined);
  const mutations = [...bed.mutations];
  const failures: string[] = [];
  if (undisturbed.exitCode !== 0) failures.push(`undisturbed: ${undisturbed.stderr}`);
  const plans = plansFor(options, mutations);
  const wentOn: string[] = [];
  let points = 0;
  for (const plan of plans) {
    bed.restore();
    const run = bed.disturb(plan);
    if (run.hit === undefined) continue;
    points++;
    const place = `${options.command.name}: ${describePlan(plan)} at ${bed.describe(run.hit)}`;
    const problems = await problemsOf(bed, plan, { run, references });
    if (run.exitCode === 0 && plan.kind !== "short") wentOn.push(place);
    if (problems.length === 0) continue;
    const text = `${place} (exit ${run.exitCode}: ${run.stderr.trim()}):\n  ${problems.join("\n  ")}`;
    failures.push(text);
    options.log?.(text);
    if (options.stopsEarly === true) break;
  }
  bed.restore();
  return { command: options.command.name, calls: mutations.length, points, wentOn, failures };
}

function plansFor({ kind, choice }: PointsOptions, mutations: readonly Mutation[]): Disturbance[] {
  const { seed, count, share = { index: 0, of: 1 }, only } = choice;
  const all =
    kind === "kill"
      ? mutations.map((_, index): Disturbance => ({ kind: "kill", index: index + 1 }))
      : mutations.flatMap((mutation, index) => errorPlans(mutation, index + 1));
  if (only !== undefined) {
    const first = all.find((plan) => only(mutations[plan.index - 1] as Mutation, plan));
    return first === undefined ? [] : [first];
  }
  const stride = count === undefined ? 1 : Math.max(1, Math.floor(all.length / count));
  return all
    .filter((_, number) => number % stride === seed % stride)
    .filter((_, number) => number % share.of === share.index);
}

/** What an error is like: one that passes, and one that stays. */
const lasting: ReadonlySet<ErrorName> = new Set(["ENOSPC", "EMFILE"]);

function errorPlans(mutation: Mutation, index: number): Disturbance[] {
  const errors = errorsOf(mutation).map(
    (error): Disturbance => ({ kind: "error", index, error, isLasting: lasting.has(error) }),
  );
  return mutation.size > 1 ? [...errors, { kind: "short", index }] : errors;
}

function describePlan(plan: Disturbance): string {
  const what =
    plan.kind === "error" ? `${plan.error}${plan.isLasting ? " from then on" : ""}` : plan.kind;
  return `${what}, call ${plan.index}`;
}

async function makeReferences(bed: CallBed): Promise<References> {
  bed.restore();
  const before = bed.fingerprint();
  const stateBefore = (await bed.inspect([])).state;
  const unchanged = await outcomeOf(bed);
  bed.restore();
  const { exitCode, stderr } = bed.runCase();
  if (exitCode !== 0) throw new Error(`undisturbed: ${stderr}`);
  await bed.remains();
  const after = bed.fingerprint();
  const stateAfter = (await bed.inspect([])).state;
  const changed = await outcomeOf(bed);
  const states = [stateBefore, withFreeTags(stateBefore, stateAfter)];
  const outcomes = [unchanged, changed];
  bed.restore();
  if (bed.runBetween()) {
    states.push((await bed.inspect([])).state);
    outcomes.push(await outcomeOf(bed));
  }
  return { before, after, states, outcomes };
}

/** What a command makes anew has another ID in each run: the time is in it. */
function withFreeTags(before: StoreState, after: StoreState): StoreState {
  const isOfTime = (name: string) => /\/(?:committed|tree):/.test(name) && !before.tags.has(name);
  const tags = [...after.tags].map(([name, id]): [string, string | undefined] => [
    name,
    isOfTime(name) ? undefined : id,
  ]);
  return { ...after, tags: new Map(tags) };
}

async function outcomeOf(bed: CallBed): Promise<Outcome> {
  const exits = bed.runAgain().map(({ exitCode }) => exitCode);
  const remains = await bed.remains();
  return { exits, left: [...bed.fingerprint(), ...remains] };
}

async function problemsOf(
  bed: CallBed,
  plan: Disturbance,
  { run, references }: { readonly run: DisturbedRun; readonly references: References },
): Promise<string[]> {
  const problems: string[] = [];
  if (run.isLate) problems.push("it hangs");
  const remains = await bed.remains();
  if (plan.kind !== "kill") {
    problems.push(...answerProblems(plan, run));
    if (!mayLeave(bed, plan, run)) {
      problems.push(...remains, ...leftProblems(bed, references, run));
    }
  }
  problems.push(...(await bed.inspect(references.states)).problems);
  const outcome = await outcomeOf(bed);
  const isRight = (["exits", "left"] as const).every((what) =>
    references.outcomes.some((right) => isDeepStrictEqual(right[what], outcome[what])),
  );
  if (!isRight) {
    const nearest = references.outcomes.map((right) => differences(right.left, outcome.left));
    const exits = references.outcomes.map((right) => right.exits.join(",")).join(" or ");
    problems.push(
      `run again: exits ${outcome.exits.join(",")}, want ${exits}; left: ${shortest(nearest)}`,
    );
  }
  return problems;
}

/** What is said of an error, to whoever has to do something about it. */
const reasons: Readonly<Record<ErrorName, RegExp>> = {
  EINTR: /interrupted/i,
  // What Node says of `mkdir` with `recursive`.
  EIO: /i\/o error|input\/output error|mkdir|no such file or directory/i,
  EAGAIN: /temporarily unavailable/i,
  EBUSY: /busy/i,
  ENFILE: /file table overflow|too many open files/i,
  EMFILE: /too many open files/i,
  ENOSPC: /no space left on device/i,
};

/** SQLite tells what it could not do, and keeps the system's own reason to itself. */
const databaseReason =
  /lade\.db: (?:disk I\/O error|database or disk is full|unable to open database file|attempt to write a readonly database)/;

function answerProblems(
  plan: Exclude<Disturbance, { kind: "kill" }>,
  { exitCode, stdout, stderr }: Ended,
): string[] {
  // What could not be repaired is in a table.
  const said = stdout + stderr;
  const problems: string[] = [];
  if (/internal error|^ {4}at /m.test(stderr)) problems.push("an internal error");
  if (exitCode === 0) return problems;
  if (stderr.trim() === "") return [...problems, "nothing is said of it"];
  if (plan.kind === "short") return [...problems, "a short write is no error"];
  const isTold = reasons[plan.error].test(said) || databaseReason.test(said);
  if (!isTold) problems.push("the message does not name the reason");
  if (!/\/|sha256:|the output|container \w/.test(said)) problems.push("the message names no place");
  return problems;
}

/** Commands that take away what others have made. */
const removals: ReadonlySet<string> = new Set(["rmi", "image prune"]);

/**
 * A cleanup that fails can't be made up for at once, and while it is open whether a transaction
 * counts nobody knows what to clean up: the next command does it.
 */
function mayLeave(bed: CallBed, plan: Disturbance, { hit, stderr }: DisturbedRun): boolean {
  if (/unlink|rmdir|umount/.test(hit?.name ?? "")) return true;
  // A database that takes nothing leaves rows, too.
  if (/\/lade\.db(?:-wal|-shm)?$/.test(hit?.path ?? "")) return true;
  // A removal that is not synced leaves its blobs' rows.
  const isUnsynced = /^sync \S+\/(?:indexes|blobs)\/sha256:/.test(stderr);
  if (isUnsynced && removals.has(bed.name)) return true;
  // Who can't take the lock of all mounts can't take one of them away.
  if (/\/run\/locks\/(?:mounts|\w{64}\.rootfs)$/.test(hit?.path ?? "")) return true;
  return plan.kind === "error" && plan.isLasting && bed.hasSweep;
}

function leftProblems(bed: CallBed, { before, after }: References, run: DisturbedRun): string[] {
  const left = bed.fingerprint();
  if (isDeepStrictEqual(left, after)) return [];
  if (isDeepStrictEqual(left, before) || isNewStore(before, left)) {
    return run.exitCode === 0 ? ["it says that it is done"] : [];
  }
  return [`left: ${shortest([before, after].map((right) => differences(right, left)))}`];
}

/** Where there was no store, there may be an empty one. */
function isNewStore(before: readonly string[], left: readonly string[]): boolean {
  const parts =
    /^store\/(?:lade\.db(?:-journal)?|blobs|indexes|ingest|(?:blobs|indexes)\/sha256)$| rows 0$/;
  return before.length === 0 && left.every((line) => parts.test(line));
}

function differences(want: readonly string[], got: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of got) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of want) counts.set(line, (counts.get(line) ?? 0) - 1);
  return [...counts]
    .filter(([, count]) => count !== 0)
    .map(([line, count]) => `${count > 0 ? "+" : "-"}${line}`);
}

function shortest(lists: readonly (readonly string[])[]): string {
  return lists.toSorted((one, other) => one.length - other.length)[0]?.join(" ") ?? "";
}
