// SPDX-License-Identifier: Apache-2.0

/** What follows the end of a container's process. All of it by who holds the container's lock. */

import { spawn } from "node:child_process";
import * as fs from "node:fs";
import {
  type ContainerRow,
  type ContainerState,
  containerById,
  setContainerState,
} from "../content/containers.ts";
import { processStartTicks } from "../runtime/process.ts";
import { processPaths } from "../runtime/process-paths.ts";
import { withContainerLock } from "./container-lock.ts";
import { releaseRootfs } from "./container-rootfs.ts";
import {
  type ContainerEnd,
  endedState,
  hasProcess,
  isStale,
  readEnd,
  stoppedRestart,
  unstartedState,
} from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { waitForEnd } from "./process-end.ts";
import { removeFromStore } from "./remove-files.ts";
import { noteEnd, ranSeconds } from "./run-events.ts";
import { cleanupCommand } from "./self.ts";
import { tearDown } from "./tear-down.ts";
import { removeNewVolumes } from "./use-volumes.ts";
import { unmountVolume } from "./volume-mounts.ts";

/**
 * Brings a row up to date with what became of its process: exit code, network and mounts taken
 * away, `--rm`, restart policy. Does nothing where the row is right.
 *
 * @returns the row as it is then; undefined where the container is gone
 */
export async function settle(engine: Engine, row: ContainerRow): Promise<ContainerRow | undefined> {
  const { state } = row;
  if (state.isStarting === true) return await undoStart(engine, row);
  if (state.makes !== undefined) return undoCreate(engine, row, state.makes);
  if (state.status === "restarting") {
    return hasProcess(engine, state) ? row : write(engine, row, stoppedRestart(state));
  }
  if (!isStale(engine, row)) return row;
  return await settleEnd(engine, row);
}

/** A volume that is filled in part would pass for the user's own. */
function undoCreate(engine: Engine, row: ContainerRow, made: readonly string[]): undefined {
  releaseRootfs(engine, row.id);
  removeFromStore(engine, row, { volumes: true });
  for (const name of made) unmountVolume(engine, name);
  removeNewVolumes(engine.store, made);
}

async function undoStart(engine: Engine, row: ContainerRow): Promise<ContainerRow | undefined> {
  const fault = await tearDown(engine, row);
  forgetExit(engine, row.id);
  const state = { ...unstartedState(row.state), error: fault?.message ?? "" };
  if (row.definition.hostConfig.AutoRemove === true) {
    removeFromStore(engine, { ...row, state }, { volumes: true });
    return undefined;
  }
  return write(engine, row, state);
}

/** The monitor writes the exit code down within milliseconds of the end, if it still lives. */
const exitCodeTimeoutMs = 10_000;

async function settleEnd(engine: Engine, row: ContainerRow): Promise<ContainerRow | undefined> {
  await waitForEnd(engine, row, { timeoutMs: exitCodeTimeoutMs });
  const end = readEnd(engine, row);
  const fault = await tearDown(engine, row);
  const ended = { ...endedState(row.state, end), error: fault?.message ?? "" };
  const ranMs = Date.parse(end.finishedAt) - Date.parse(row.state.startedAt);
  const attributes = {
    exitCode: String(end.exitCode),
    execDuration: ranSeconds(row, Date.parse(end.finishedAt)),
  };
  const { AutoRemove: isRemoved } = row.definition.hostConfig;
  if (isRemoved === true && row.state.isRestartedByUser !== true) {
    const gone = { ...row, state: ended };
    removeFromStore(engine, gone, { volumes: true, die: attributes });
    return undefined;
  }
  const state = restartedState(engine, row, { end, ended, ranMs }) ?? ended;
  const settled = write(engine, row, state, (now) =>
    noteEnd(engine.store.database, now, attributes),
  );
  forgetExit(engine, row.id);
  if (settled.state.status === "restarting") restartHere(engine, settled);
  return settled;
}

/**
 * A process that lives on starts the container itself when the time has come; the waiter is there in
 * case it does not.
 */
function restartHere(engine: Engine, { id, state }: ContainerRow): void {
  const { background } = engine;
  if (background === undefined) return;
  setTimeout(() => {
    // What keeps it from starting is in its state then.
    const done = background
      .restart(engine, id, state)
      .catch(() => {})
      .finally(() => background.underWay.delete(done));
    background.underWay.add(done);
  }, state.restartDelayMs);
}

/** Forgets what the monitor wrote down, once a row has it, or where nobody wants to know. */
export function forgetExit(engine: Engine, id: string): void {
  fs.rmSync(processPaths(engine.run, id).exitFile, { force: true });
}

/** Writes a state; it means nothing after a power cut, so it need not survive one. */
export function write(
  engine: Engine,
  row: ContainerRow,
  state: ContainerState,
  note?: (row: ContainerRow) => void,
): ContainerRow {
  const { database } = engine.store;
  const now = { ...row, state };
  database.transaction(
    () => {
      setContainerState(database, row.id, state);
      note?.(now);
    },
    { isDurable: false },
  );
  return now;
}

const firstDelayMs = 100;
const lastDelayMs = 60_000;
/** Who ran so long is not failing again and again. */
const longRunMs = 10_000;

/**
 * How long to wait before the next start; undefined where the policy wants none.
 *
 * Source: `ShouldRestart` of moby (daemon/internal/restartmanager).
 */
export function restartDelay(
  row: ContainerRow,
  ended: { readonly exitCode: number; readonly ranMs: number },
): number | undefined {
  const { Name: name, MaximumRetryCount: most = 0 } = row.definition.hostConfig.RestartPolicy ?? {};
  const { state } = row;
  if (state.isManuallyStopped) return undefined;
  const wants =
    name === "always" ||
    name === "unless-stopped" ||
    (name === "on-failure" && ended.exitCode !== 0 && (most === 0 || state.restartCount < most));
  if (!wants) return undefined;
  const isFresh = ended.ranMs >= longRunMs || state.restartDelayMs === 0;
  return isFresh ? firstDelayMs : Math.min(state.restartDelayMs * 2, lastDelayMs);
}

/** The state in which it waits for its next start, with the process started that waits. */
function restartedState(
  engine: Engine,
  row: ContainerRow,
  ended: { readonly end: ContainerEnd; readonly ended: ContainerState; readonly ranMs: number },
): ContainerState | undefined {
  // After a reboot nothing starts just because somebody looked.
  if (row.state.bootId !== engine.bootId) return undefined;
  const { exitCode } = ended.end;
  const delayMs = restartDelay(row, { exitCode, ranMs: ended.ranMs });
  const waiter = delayMs === undefined ? undefined : spawnWaiter(engine, row.id, delayMs);
  if (waiter === undefined || delayMs === undefined) return undefined;
  return {
    ...ended.ended,
    ...waiter,
    bootId: engine.bootId,
    status: "restarting",
    restartCount: row.state.restartCount + 1,
    restartDelayMs: delayMs,
  };
}

/** How long a process that lives on may take for a start of its own. */
const hereMs = 2_000;

/** A shell that waits, and becomes the command that starts the container; it takes 1 MB meanwhile. */
const waitScript = 'sleep "$1"; shift; exec "$@"';

function spawnWaiter(
  engine: Engine,
  id: string,
  delayMs: number,
): { readonly pid: number; readonly startTicks: number } | undefined {
  const sleepMs = engine.background === undefined ? delayMs : delayMs + hereMs;
  const words = ["-c", waitScript, "lade-restart", String(sleepMs / 1000)];
  const child = spawn("/bin/sh", [...words, ...cleanupCommand(engine, id)], {
    detached: true,
    stdio: "ignore",
    cwd: "/",
  });
  // A machine without a shell has no restarts: the container has ended.
  child.on("error", () => {});
  child.unref();
  const { pid } = child;
  const startTicks = pid === undefined ? undefined : processStartTicks(pid);
  return pid === undefined || startTicks === undefined ? undefined : { pid, startTicks };
}

/** As {@link settle}, for who does not hold the lock yet; a container that is gone is fine. */
export async function settleById(engine: Engine, id: string): Promise<ContainerRow | undefined> {
  return await withContainerLock(engine, id, async () => {
    const row = containerById(engine.store.database, id);
    return row && (await settle(engine, row));
  });
}
