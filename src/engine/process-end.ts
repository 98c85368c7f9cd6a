// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import type { ContainerRow } from "../content/containers.ts";
import { makeRunFolders } from "../rootfs/run-paths.ts";
import { isAlive, readExit } from "../runtime/process.ts";
import { hasProcess } from "./container-state.ts";
import type { Engine } from "./engine.ts";

export interface WaitForEndOptions {
  /** Undefined: as long as it takes. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const firstPauseMs = 10;
const lastPauseMs = 200;

/**
 * Waits until a container's process has ended and its exit code is written down, or never will be.
 *
 * The kernel tells of the exit file at once; a process whose monitor was killed is asked after now
 * and then.
 *
 * @returns false when the time is over
 */
export async function waitForEnd(
  engine: Engine,
  row: ContainerRow,
  { timeoutMs, signal }: WaitForEndOptions = {},
): Promise<boolean> {
  if (hasEnded(engine, row)) return true;
  makeRunFolders(engine.run);
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const check = () => {
    if (hasEnded(engine, row)) resolve(true);
  };
  const watcher = fs.watch(engine.run.exits, { persistent: true }, (_, name) => {
    if (name === row.id) check();
  });
  watcher.on("error", () => {});
  let pauseMs = firstPauseMs;
  let poll: NodeJS.Timeout;
  const again = () => {
    check();
    pauseMs = Math.min(pauseMs * 2, lastPauseMs);
    poll = setTimeout(again, pauseMs);
  };
  poll = setTimeout(again, pauseMs);
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => resolve(false), timeoutMs);
  const abort = () => reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    // It may have ended before the watch began.
    check();
    signal?.throwIfAborted();
    return await promise;
  } finally {
    signal?.removeEventListener("abort", abort);
    clearTimeout(poll);
    clearTimeout(timer);
    watcher.close();
  }
}

function hasEnded(engine: Engine, row: ContainerRow): boolean {
  if (hasProcess(engine, row.state)) return false;
  return readExit(engine.run, row.id) !== undefined || !hasMonitor(engine, row);
}

/** Whether the monitor is there, which writes the exit code and runs what follows. */
export function hasMonitor(engine: Engine, { state }: ContainerRow): boolean {
  if (state.bootId !== engine.bootId || state.conmonPid === 0) return false;
  return isAlive(state.conmonPid, state.conmonTicks);
}
