// SPDX-License-Identifier: Apache-2.0

/** A thread that builds states of a disk after a crash, and has lade look at them. */

import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { type Recording, rightStates, wrongOf } from "./crash-recording.ts";
import { type CrashMode, crashState } from "./disk-states.ts";
import { seededRandom } from "./random.ts";
import { inspectStore } from "./store-state.ts";

export interface CrashJob {
  readonly recording: Recording;
  readonly seed: number;
  /** Numbers of states: from, and up to without it. */
  readonly from: number;
  readonly to: number;
  readonly stopsEarly: boolean;
}

export interface CrashAnswer {
  readonly states: number;
  /** Of these: how many are unlike all before. */
  readonly distinct: readonly string[];
  readonly byMode: Readonly<Record<CrashMode, number>>;
  readonly failures: readonly string[];
}

const modes: readonly CrashMode[] = ["kept", "lost", "ordered", "ordered", "mixed", "mixed"];

/** More failures of one recording tell nothing new. */
const maxFailures = 20;

async function work(job: CrashJob): Promise<CrashAnswer> {
  const { recording, seed } = job;
  const top = mkdtempSync(join("/dev/shm", "lade-states-"));
  const distinct = new Set<string>();
  const byMode: Record<CrashMode, number> = { kept: 0, lost: 0, ordered: 0, mixed: 0 };
  const failures: string[] = [];
  let states = 0;
  try {
    for (let number = job.from; number < job.to; number++) {
      const random = seededRandom(seed * 1_000_003 + number);
      const mode = random.pick(modes);
      const cut = chooseMoment(recording, random.fraction(), random.chance(0.3));
      const { files } = crashState(recording.effects, {
        mode,
        cut,
        random,
        folders: recording.folders,
      });
      distinct.add(writeState(top, files));
      const isJournaled = mode === "kept" || mode === "ordered";
      const places = {
        root: join(top, "disk", "store"),
        runRoot: join(top, "run"),
        isJournaled,
      };
      const report = await inspectStore(places, rightStates(recording.commands, cut));
      const problems = wrongOf(recording.commands, cut, report.problems);
      states++;
      byMode[mode]++;
      if (problems.length === 0) continue;
      failures.push(describe(recording, { number, mode, cut, problems, seed }));
      if (job.stopsEarly || failures.length >= maxFailures) break;
    }
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
  return { states, distinct: [...distinct], byMode, failures };
}

/** Any moment, or the one at which a command had just reported success. */
function chooseMoment(recording: Recording, fraction: number, isAtEnd: boolean): number {
  const { commands, effects } = recording;
  if (isAtEnd) return commands[Math.floor(fraction * commands.length)]?.end ?? 0;
  return effects[Math.floor(fraction * effects.length)]?.end ?? 0;
}

/** @returns what tells the state from others */
function writeState(top: string, files: ReadonlyMap<string, Buffer>): string {
  rmSync(join(top, "disk"), { recursive: true, force: true });
  rmSync(join(top, "run"), { recursive: true, force: true });
  mkdirSync(join(top, "disk"), { recursive: true });
  const hash = createHash("sha256");
  for (const [path, bytes] of files) {
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
    if (path.endsWith("/")) mkdirSync(join(top, "disk", path));
    else writeFileSync(join(top, "disk", path), bytes);
  }
  return hash.digest("base64url").slice(0, 16);
}

function describe(
  { commands }: Recording,
  found: {
    readonly number: number;
    readonly mode: CrashMode;
    readonly cut: number;
    readonly seed: number;
    readonly problems: readonly string[];
  },
): string {
  const { number, mode, cut, seed, problems } = found;
  const command = commands.findLast(({ start }) => start <= cut);
  const when = command !== undefined && cut >= command.end ? "after" : "within";
  const place = `state ${number} of seed ${seed} (${mode}), ${when} ${command?.text}`;
  return `${place}:\n  ${problems.join("\n  ")}`;
}

parentPort?.postMessage(await work(workerData as CrashJob));
