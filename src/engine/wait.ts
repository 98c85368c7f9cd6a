// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { isLadeError } from "../base/errors.ts";
import { type ContainerRow, containerById, isRunning } from "../content/containers.ts";
import type { Database } from "../content/database.ts";
import { lastEventOf } from "../content/events.ts";
import { makeRunFolders } from "../rootfs/run-paths.ts";
import { isStale } from "./container-state.ts";
import type { WaitCondition, WaitResult } from "./container-types.ts";
import type { Engine } from "./engine.ts";
import { findContainer } from "./find-container.ts";
import { waitForEnd } from "./process-end.ts";
import { settleById } from "./settle.ts";

export interface WaitContainerOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told once the container is found: an end that comes after that is not missed. */
  readonly onFound?: (() => void) | undefined;
}

const startPauseMs = 100;
const startingPauseMs = 10;

/**
 * Waits for a container's end and gives its exit code.
 *
 * @param condition `not-running`: at once where it does not run; `next-exit`: its next end, also
 *   when it has yet to start; `removed`: until it is gone
 * @throws LadeError CONTAINER_NOT_FOUND
 */
export async function waitContainer(
  engine: Engine,
  nameOrId: string,
  condition: WaitCondition = "not-running",
  options: WaitContainerOptions = {},
): Promise<WaitResult> {
  const { database } = engine.store;
  // Whoever started it may come back to it too late, and has its whole ID.
  if (condition === "removed" && isRemoved(database, nameOrId)) {
    options.onFound?.();
    return resultOfRemoved(engine, nameOrId);
  }
  const id = idOf(engine, nameOrId);
  // It may be started, and end, between two looks.
  const lastEnd = containerById(database, id)?.state.finishedAt;
  options.onFound?.();
  let hasRun = false;
  for (;;) {
    const row = containerById(database, id);
    if (row === undefined) return resultOfRemoved(engine, id);
    if (isStale(engine, row) || isRunning(row.state)) {
      const ended = await waitForThisEnd(engine, row, options);
      hasRun = true;
      if (condition !== "removed" && ended !== undefined) return ended;
      continue;
    }
    hasRun ||= row.state.finishedAt !== lastEnd;
    if (condition === "not-running" || (condition === "next-exit" && hasRun)) return resultOf(row);
    await waitForNews(engine, row, options);
  }
}

/** A container that went with its end is still known by its whole ID: somebody may wait too late. */
function idOf({ store }: Engine, nameOrId: string): string {
  const wasThere = () => lastEventOf(store.database, { id: nameOrId, action: "die" }) !== undefined;
  try {
    return findContainer(store, nameOrId).id;
  } catch (error) {
    if (isLadeError(error, "CONTAINER_NOT_FOUND") && wasThere()) return nameOrId;
    throw error;
  }
}

/** Waits until some process of the container may have begun or ended. */
async function waitForNews(
  engine: Engine,
  { id, state }: ContainerRow,
  { signal }: WaitContainerOptions,
): Promise<void> {
  makeRunFolders(engine.run);
  const stop = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const watcher = fs.watch(engine.run.exits, (_, name) => {
    if (name === id) resolve();
  });
  watcher.on("error", () => {});
  const pauseMs = state.isStarting === true ? startingPauseMs : startPauseMs;
  const either = AbortSignal.any([stop.signal, ...(signal === undefined ? [] : [signal])]);
  try {
    await Promise.race([promise, delay(pauseMs, undefined, { signal: either })]);
  } finally {
    watcher.close();
    stop.abort();
  }
}

/** @returns undefined where the container went with its end */
async function waitForThisEnd(
  engine: Engine,
  row: ContainerRow,
  options: WaitContainerOptions,
): Promise<WaitResult | undefined> {
  if (row.state.status !== "restarting") await waitForEnd(engine, row, options);
  else await delay(startPauseMs, undefined, { signal: options.signal });
  const settled = await settleById(engine, row.id);
  if (settled === undefined) return resultOfRemoved(engine, row.id);
  // Another process may have started it again: that is another end.
  return isRunning(settled.state) && settled.state.status !== "restarting"
    ? undefined
    : resultOf(settled);
}

function resultOf({ state }: ContainerRow): WaitResult {
  return { exitCode: state.exitCode };
}

function isRemoved(database: Database, id: string): boolean {
  if (containerById(database, id) !== undefined) return false;
  return lastEventOf(database, { id, action: "destroy" }) !== undefined;
}

/** Who removed the container noted its end before. */
function resultOfRemoved({ store }: Engine, id: string): WaitResult {
  const { exitCode = "0" } = lastEventOf(store.database, { id, action: "die" }) ?? {};
  return { exitCode: Number(exitCode) };
}
