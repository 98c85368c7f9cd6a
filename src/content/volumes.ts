// SPDX-License-Identifier: Apache-2.0

import type { Database } from "./database.ts";
import { parseStoredJson } from "./stored-json.ts";

/** A volume as the database has it; its files are in `volumes/NAME/_data`. */
export interface VolumeRow {
  readonly name: string;
  readonly createdMs: number;
  /** Made for a container that named none: what `prune` removes. */
  readonly isAnonymous: boolean;
  readonly labels: Readonly<Record<string, string>> | null;
  /** The local driver's `type`, `device` and `o`. */
  readonly options: Readonly<Record<string, string>> | null;
}

interface StoredVolume {
  readonly name: string;
  readonly created_ms: number;
  readonly is_anonymous: number;
  readonly document: string;
}

/** @returns false where a volume of that name was there already, which stays as it is */
export function putVolume(database: Database, row: VolumeRow): boolean {
  if (volumeByName(database, row.name) !== undefined) return false;
  database.run(
    "INSERT INTO volume (name, created_ms, is_anonymous, document) VALUES (?, ?, ?, ?)",
    row.name,
    row.createdMs,
    row.isAnonymous ? 1 : 0,
    JSON.stringify({ labels: row.labels, options: row.options }),
  );
  return true;
}

export function volumeByName(database: Database, name: string): VolumeRow | undefined {
  return toRow(database.get<StoredVolume>("SELECT * FROM volume WHERE name = ?", name));
}

/** All volumes, by name. */
export function allVolumes(database: Database): VolumeRow[] {
  return database
    .all<StoredVolume>("SELECT * FROM volume ORDER BY name")
    .flatMap((row) => toRow(row) ?? []);
}

export function deleteVolumeRow(database: Database, name: string): void {
  database.run("DELETE FROM volume WHERE name = ?", name);
}

/** Notes that a container uses a volume; inside a transaction. */
export function holdVolume(database: Database, container: string, volume: string): void {
  database.run(
    "INSERT OR IGNORE INTO container_volume (container, volume) VALUES (?, ?)",
    container,
    volume,
  );
}

/** IDs of the containers that use a volume. */
export function usersOfVolume(database: Database, volume: string): string[] {
  return database
    .all<{ container: string }>(
      "SELECT container FROM container_volume WHERE volume = ? ORDER BY container",
      volume,
    )
    .map((row) => row.container);
}

/** How many containers use each volume; volumes without a user are missing. */
export function volumeUses(database: Database): Map<string, number> {
  const rows = database.all<{ volume: string; count: number }>(
    "SELECT volume, COUNT(*) AS count FROM container_volume GROUP BY volume",
  );
  return new Map(rows.map(({ volume, count }) => [volume, count]));
}

function toRow(row: StoredVolume | undefined): VolumeRow | undefined {
  if (row === undefined) return undefined;
  const document = parseStoredJson<Pick<VolumeRow, "labels" | "options">>(row.document);
  return {
    name: row.name,
    createdMs: row.created_ms,
    isAnonymous: row.is_anonymous === 1,
    ...document,
  };
}
