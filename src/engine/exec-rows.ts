// SPDX-License-Identifier: Apache-2.0

import type { Database } from "../content/database.ts";
import { parseStoredJson } from "../content/stored-json.ts";
import { isAlive } from "../runtime/process.ts";
import type { ExecConfig } from "../spec/container.ts";
import type { Engine } from "./engine.ts";

/** An exec as the database has it; it goes with the run of its container. */
export interface ExecRow {
  readonly id: string;
  readonly container: string;
  readonly config: ExecConfig;
  /** Somebody starts it, or has. */
  readonly isClaimed?: boolean | undefined;
  /** Undefined until it is started. */
  readonly process?: { readonly pid: number; readonly startTicks: number } | undefined;
  readonly exitCode?: number | undefined;
  readonly endedAtMs?: number | undefined;
}

interface StoredExec {
  readonly id: string;
  readonly container: string;
  readonly document: string;
}

export function putExec(database: Database, row: ExecRow): void {
  const { id, container, ...document } = row;
  database.run(
    "INSERT OR REPLACE INTO exec (id, container, document) VALUES (?, ?, ?)",
    id,
    container,
    JSON.stringify(document),
  );
}

/** By its ID, or the first digits of it. */
export function execById(database: Database, id: string): ExecRow | undefined {
  const row = database.get<StoredExec>("SELECT * FROM exec WHERE id = ?", id);
  return row && toRow(row);
}

/** Those of a container that run, or have yet to; their ends may not be noted yet. */
export function unendedExecs(database: Database, container: string): ExecRow[] {
  return database
    .all<StoredExec>(
      `SELECT * FROM exec WHERE container = ? AND json_extract(document, '$.exitCode') IS NULL
       ORDER BY id`,
      container,
    )
    .map(toRow);
}

/** Deletes what ended before a moment. */
export function deleteEndedExecs(database: Database, container: string, beforeMs: number): void {
  database.run(
    `DELETE FROM exec WHERE container = ? AND json_extract(document, '$.exitCode') IS NOT NULL
     AND coalesce(json_extract(document, '$.endedAtMs'), 0) < ?`,
    container,
    beforeMs,
  );
}

export function hasExecs(database: Database, container: string): boolean {
  return database.get("SELECT 1 FROM exec WHERE container = ? LIMIT 1", container) !== undefined;
}

export function deleteExecs(database: Database, container: string): void {
  database.run("DELETE FROM exec WHERE container = ?", container);
}

/** IDs of execs that run in a container, as `inspect` shows them. */
export function runningExecs(engine: Engine, container: string): string[] {
  const { database } = engine.store;
  return database
    .remember(`execs of ${container}`, () => unendedExecs(database, container))
    .filter(({ process }) => process && isAlive(process.pid, process.startTicks))
    .map(({ id }) => id);
}

function toRow({ id, container, document }: StoredExec): ExecRow {
  return { id, container, ...parseStoredJson<Omit<ExecRow, "id" | "container">>(document) };
}
