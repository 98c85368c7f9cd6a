// SPDX-License-Identifier: Apache-2.0

/**
 * Those who attached to a container before its start, in this process or in others.
 *
 * Each has a ticket: a file that it holds locked. Whoever starts the container calls them when the
 * process is made and has not run yet, and lets it run once all are attached or dead: not a byte of
 * output is missed. Tickets are taken, called and torn up under the container's lock.
 */

import * as fs from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isSystemError } from "../base/errors.ts";
import { processPaths } from "../runtime/process-paths.ts";
import { tryLock } from "../sys/libc.ts";
import { removeAll } from "../sys/remove-all.ts";
import { hasUnaccepted } from "../sys/unix-sockets.ts";
import type { Engine } from "./engine.ts";
import { randomId } from "./random.ts";

export interface StartTicket extends Disposable {
  /**
   * `made`: the process is there to attach to, and waits until the ticket is disposed of. `over`:
   * the start failed, the container was removed, or the ticket was disposed of.
   */
  readonly called: Promise<"made" | "over">;
}

/** Its presence says that the process is made. */
const madeName = "made";

function waitingFolder({ run }: Engine, id: string): string {
  return join(run.root, "waiting", id);
}

/** Waits for a container's start; by who holds the container's lock. */
export function waitForStart(engine: Engine, id: string): StartTicket {
  const folder = waitingFolder(engine, id);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Of one who was killed in the middle of a start.
  fs.rmSync(join(folder, madeName), { force: true });
  const path = join(folder, randomId());
  const fd = fs.openSync(path, "wx", 0o600);
  tryLock(fd);
  const { promise: called, resolve } = Promise.withResolvers<"made" | "over">();
  const look = () => {
    if (fs.existsSync(join(folder, madeName))) resolve("made");
    else if (!fs.existsSync(path)) resolve("over");
  };
  const watcher = fs.watch(folder, look);
  watcher.on("error", look);
  let isHeld = true;
  return {
    called,
    [Symbol.dispose]() {
      if (!isHeld) return;
      isHeld = false;
      resolve("over");
      watcher.close();
      fs.rmSync(path, { force: true });
      fs.closeSync(fd);
      removeIfEmpty(folder);
    },
  };
}

function removeIfEmpty(folder: string): void {
  try {
    fs.rmdirSync(folder);
  } catch {
    // Others wait, too, or the folder is gone.
  }
}

/** One that does not answer (a stopped process) is not waited for longer. */
const answerTimeoutMs = 10_000;
const firstPauseMs = 1;
const lastPauseMs = 20;
/** The monitor lets callers in one by one, within a millisecond if the machine has one to spare. */
const entryTimeoutMs = 2_000;

/** Has all who wait attach to the process that was made; by who holds the container's lock. */
export async function callWaiters(engine: Engine, id: string): Promise<void> {
  const folder = waitingFolder(engine, id);
  let waiting = ticketsIn(folder).filter(isHeldTicket);
  if (waiting.length === 0) return;
  fs.writeFileSync(join(folder, madeName), "", { mode: 0o600 });
  const endMs = performance.now() + answerTimeoutMs;
  for (
    let pauseMs = firstPauseMs;
    waiting.length > 0;
    pauseMs = Math.min(pauseMs * 2, lastPauseMs)
  ) {
    await delay(pauseMs);
    if (performance.now() > endMs) break;
    waiting = waiting.filter(isHeldTicket);
  }
  dismissWaiters(engine, id);
  await monitorAccepts(engine, id);
}

/** Until the monitor has let in all who are at its door: what it writes to goes to each of them. */
async function monitorAccepts(engine: Engine, id: string): Promise<void> {
  const { attachSocket } = processPaths(engine.run, id);
  const endMs = performance.now() + entryTimeoutMs;
  while (hasUnaccepted(attachSocket) && performance.now() < endMs) await delay(firstPauseMs);
}

/** Tells all who wait that there is nothing to wait for; by who holds the container's lock. */
export function dismissWaiters(engine: Engine, id: string): void {
  removeAll(waitingFolder(engine, id));
}

function ticketsIn(folder: string): string[] {
  try {
    return fs
      .readdirSync(folder)
      .flatMap((name) => (name === madeName ? [] : [join(folder, name)]));
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return [];
    throw error;
  }
}

/** False where whoever took it has let go of it, or is dead. */
function isHeldTicket(path: string): boolean {
  let fd: number;
  try {
    fd = fs.openSync(path, "r+");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return false;
    throw error;
  }
  try {
    return !tryLock(fd);
  } finally {
    fs.closeSync(fd);
  }
}
