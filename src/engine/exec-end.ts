// SPDX-License-Identifier: Apache-2.0

/** What becomes of execs: their ends are noted, and forgotten some minutes later. */

import * as fs from "node:fs";
import { containerById } from "../content/containers.ts";
import { readExecExit, removeExec } from "../runtime/exec.ts";
import { isAlive } from "../runtime/process.ts";
import { execPaths } from "../runtime/process-paths.ts";
import { noteContainer } from "./container-events.ts";
import type { Engine } from "./engine.ts";
import { deleteEndedExecs, type ExecRow, putExec, unendedExecs } from "./exec-rows.ts";

/** Of a process whose monitor was killed. */
export const unknownExitCode = 255;

export function writeExec(engine: Engine, exec: ExecRow, note?: () => void): void {
  const { database } = engine.store;
  database.transaction(
    () => {
      // The container may have ended, and its execs with it.
      if (containerById(database, exec.container) === undefined) return;
      putExec(database, exec);
      note?.();
    },
    { isDurable: false },
  );
}

export function noteExecEnd(engine: Engine, exec: ExecRow, exitCode: number): void {
  const { database } = engine.store;
  writeExec(engine, { ...exec, exitCode, endedAtMs: Date.now() }, () => {
    const row = containerById(database, exec.container);
    const attributes = { execID: exec.id, exitCode: String(exitCode) };
    if (row !== undefined) noteContainer(database, row, "exec_die", attributes);
  });
  removeExec(engine.run, exec.container, exec.id);
}

/**
 * How long an end can be asked about; Docker forgets it 5 to 10 minutes later.
 *
 * Source: `execCommandGC` of moby (daemon/exec.go).
 */
export const keptMs = 10 * 60_000;
/** Whoever started it has noted its end by then, if it lives. */
const notedMs = 60_000;
/** A process that makes many does not look through all of them each time. */
const pauseMs = 30_000;

const sweptAt = new WeakMap<Engine, Map<string, number>>();

/** Forgets execs of a container that ended long ago, also where nobody was there to note the end. */
export function forgetEndedExecs(engine: Engine, container: string, nowMs = Date.now()): void {
  const swept = sweptAt.getOrInsertComputed(engine, () => new Map());
  if (nowMs < (swept.get(container) ?? 0) + pauseMs) return;
  for (const [id, atMs] of swept) if (nowMs >= atMs + pauseMs) swept.delete(id);
  swept.set(container, nowMs);
  const { database } = engine.store;
  for (const exec of unendedExecs(database, container)) noteUnseenEnd(engine, exec, nowMs);
  database.transaction(() => deleteEndedExecs(database, container, nowMs - keptMs), {
    isDurable: false,
  });
}

function noteUnseenEnd(engine: Engine, exec: ExecRow, nowMs: number): void {
  const { process: started, container, id } = exec;
  if (started === undefined || isAlive(started.pid, started.startTicks)) return;
  const { bundle, exitFile } = execPaths(engine.run, container, id);
  const facts = [exitFile, bundle].map((path) => fs.statSync(path, { throwIfNoEntry: false }));
  const endedMs = facts.find((found) => found !== undefined)?.mtimeMs ?? 0;
  if (nowMs < endedMs + notedMs) return;
  noteExecEnd(engine, exec, readExecExit(engine.run, container, id) ?? unknownExitCode);
}
