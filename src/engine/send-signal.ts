// SPDX-License-Identifier: Apache-2.0

import { isSystemError } from "../base/errors.ts";
import type { ContainerRow } from "../content/containers.ts";
import { resumeProcess } from "../runtime/process.ts";
import { isLinuxSignal, parseSignal } from "../spec/signal.ts";
import { containerInvalid } from "./container-errors.ts";
import { noteContainer } from "./container-events.ts";
import { hasProcess, stoppedRestart } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { write } from "./settle.ts";

export const SIGKILL = 9;
const SIGTERM = 15;

/**
 * The number of a signal.
 *
 * @throws LadeError CONTAINER_INVALID in Docker's words
 */
export function checkSignal(text: string): number {
  const number = parseSignal(text);
  if (number === undefined) throw containerInvalid(`Invalid signal: ${text}`);
  if (!isLinuxSignal(number)) {
    throw containerInvalid(`the linux daemon does not support signal ${number}`);
  }
  return number;
}

/** What `stop` sends. */
export function stopSignalOf(row: ContainerRow): number {
  return parseSignal(row.definition.config.StopSignal ?? "") ?? SIGTERM;
}

/**
 * Sends a signal to a container's process, and notes whether that ends it for good: then it is not
 * restarted. By who holds the container's lock.
 *
 * Source: `killWithSignal` of moby (daemon/kill.go).
 *
 * @returns the row as it is then
 */
export async function sendSignal(
  engine: Engine,
  row: ContainerRow,
  signal: number,
): Promise<ContainerRow> {
  const { database } = engine.store;
  const attributes = { signal: String(signal) };
  if (row.state.status === "restarting") {
    stopWaiter(engine, row);
    const state = { ...stoppedRestart(row.state), isManuallyStopped: true };
    return write(engine, row, state);
  }
  const ends =
    signal === SIGKILL || !row.definition.config.StopSignal || signal === stopSignalOf(row);
  const state = ends ? { ...row.state, isManuallyStopped: true } : row.state;
  let current = write(engine, row, state, (now) =>
    noteContainer(database, now, "kill", attributes),
  );
  kill(row.state.pid, signal);
  if (ends && row.state.status === "paused") {
    await resumeProcess(engine.run, row.id);
    current = write(engine, current, { ...state, status: "running" });
  }
  return current;
}

function stopWaiter(engine: Engine, row: ContainerRow): void {
  if (hasProcess(engine, row.state)) kill(row.state.pid, SIGKILL);
}

function kill(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended since.
    if (!isSystemError(error, "ESRCH")) throw error;
  }
}
