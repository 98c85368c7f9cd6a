// SPDX-License-Identifier: Apache-2.0

import { isLadeError, LadeError } from "../base/errors.ts";
import { isRunning } from "../content/containers.ts";
import { noteContainer } from "./container-events.ts";
import type { StopOptions } from "./container-types.ts";
import { changeContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { findContainer } from "./find-container.ts";
import { waitForEnd } from "./process-end.ts";
import { checkSignal, SIGKILL, sendSignal, stopSignalOf } from "./send-signal.ts";
import { settleById, write } from "./settle.ts";
import { startContainer } from "./start.ts";

const defaultTimeoutSeconds = 10;
/** How long SIGKILL may take: longer only where the kernel waits for a disk. */
const killTimeoutMs = 10_000;

/**
 * Stops a container: its stop signal, and SIGKILL when it does not end in time. One that does not
 * run stays as it is.
 *
 * @returns false where it did not run
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_INVALID for a bad signal, RUNTIME_FAILED for a
 *   process that can't be killed
 */
export async function stopContainer(
  engine: Engine,
  nameOrId: string,
  options: StopOptions = {},
): Promise<boolean> {
  return await stop(engine, nameOrId, { ...options, isRestart: false });
}

async function stop(
  engine: Engine,
  nameOrId: string,
  options: StopOptions & { readonly isRestart: boolean },
): Promise<boolean> {
  const signal = options.signal ? checkSignal(options.signal) : undefined;
  const row = await changeContainer(engine, nameOrId, async (current) => {
    if (!isRunning(current.state)) return undefined;
    const marked = options.isRestart
      ? write(engine, current, { ...current.state, isRestartedByUser: true })
      : current;
    return await sendSignal(engine, marked, signal ?? stopSignalOf(current));
  });
  if (row === undefined) return false;
  const seconds =
    options.timeoutSeconds ?? row.definition.config.StopTimeout ?? defaultTimeoutSeconds;
  const hasTimeout = seconds >= 0;
  const isDone =
    !isRunning(row.state) ||
    (await waitForEnd(engine, row, { timeoutMs: hasTimeout ? seconds * 1000 : undefined }));
  if (!isDone) await killForGood(engine, row.id);
  await settleById(engine, row.id);
  const { database } = engine.store;
  database.transaction(() => noteContainer(database, row, "stop"), { isDurable: false });
  return true;
}

/** Kills a container's process and waits for its end; one that has ended is fine. */
export async function killForGood(engine: Engine, id: string): Promise<void> {
  const row = await ifThere(() =>
    changeContainer(engine, id, async (current) => {
      if (!isRunning(current.state)) return undefined;
      return await sendSignal(engine, current, SIGKILL);
    }),
  );
  if (row === undefined || !isRunning(row.state)) return;
  if (await waitForEnd(engine, row, { timeoutMs: killTimeoutMs })) return;
  throw new LadeError(
    "RUNTIME_FAILED",
    "tried to kill container, but did not receive an exit event",
    { hint: `Process ${row.state.pid} does not end: the kernel may wait for a disk.` },
  );
}

async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isLadeError(error, "CONTAINER_NOT_FOUND")) return undefined;
    throw error;
  }
}

/**
 * Stops and starts a container; one that does not run is only started.
 *
 * @throws LadeError as `stopContainer` and `startContainer`
 */
export async function restartContainer(
  engine: Engine,
  nameOrId: string,
  options: StopOptions = {},
): Promise<void> {
  const { id } = findContainer(engine.store, nameOrId);
  await stop(engine, id, { ...options, isRestart: true });
  await startContainer(engine, id);
  const { database } = engine.store;
  const row = findContainer(engine.store, id);
  database.transaction(() => noteContainer(database, row, "restart"), { isDurable: false });
}
