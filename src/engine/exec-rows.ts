// SPDX-License-Identifier: Apache-2.0

import type { Database } from "../content/database.ts";
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

export function execsOfContainer(database: Database, container: string): ExecRow[] {
  return database
    .all<StoredExec>("SELECT * FROM exec WHERE container = ? ORDER BY id", container)
    .map(toRow);
}

export function deleteExecs(database: Database, container: string): void {
  database.run("DELETE FROM exec WHERE container = ?", container);
}

/** IDs of execs that run in a container, as `inspect` shows them. */
export function runningExecs(engine: Engine, container: string): string[] {
  return execsOfContainer(engine.store.database, container)
    .filter(({ process, exitCode }) => {
      return exitCode === undefined && process && isAlive(process.pid, process.startTicks);
    })
    .map(({ id }) => id);
}

function toRow({ id, container, document }: StoredExec): ExecRow {
  return { id, container, ...(JSON.parse(document) as Omit<ExecRow, "id" | "container">) };
}
