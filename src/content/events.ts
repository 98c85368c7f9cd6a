// SPDX-License-Identifier: Apache-2.0

import type { Database } from "./database.ts";
import { parseStoredJson } from "./stored-json.ts";

/** What happened to something, in the form of `GET /events`. */
export interface EventDocument {
  readonly Type: "container" | "image" | "volume" | "network";
  /** Such as `start`, `die`, `exec_create: sh -c true`. */
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly scope: "local";
  /** Seconds since 1970. */
  readonly time: number;
  readonly timeNano: bigint;
}

/** How many events are kept at least; Docker keeps 256. */
const keptEvents = 1000;

/** Newer ones stay too: who follows events has that long to fetch them. */
const keptNs = 30_000_000_000n;

/** Older ones go, also where the clock was put back and they seem to be of the future. */
const mostEvents = 50_000;

/** Old events go a few at a time, so that most commands pay for none. */
const trimStep = 64;

const nsPerMs = 1_000_000n;

/** Appends an event; inside a transaction, so that it is there exactly if what it tells of is. */
export function putEvent(
  database: Database,
  event: Pick<EventDocument, "Type" | "Action" | "Actor">,
): void {
  const nowNs = BigInt(Date.now()) * nsPerMs;
  // Those of one millisecond are told apart, so that "since the last one" leaves out none.
  database.run(
    `INSERT INTO event (time_ns, document) VALUES (coalesce(
       (SELECT time_ns + 1 FROM event WHERE sequence = (SELECT max(sequence) FROM event)
         AND time_ns >= ? AND time_ns < ?), ?), ?)`,
    nowNs,
    nowNs + nsPerMs,
    nowNs,
    JSON.stringify({ Type: event.Type, Action: event.Action, Actor: event.Actor }),
  );
  const last = database.get<{ sequence: number }>("SELECT last_insert_rowid() AS sequence");
  if (last === undefined || last.sequence % trimStep !== 0) return;
  // Always the oldest ones: a hole in the sequence tells a reader that it missed some.
  database.run(
    `DELETE FROM event WHERE sequence <= ? OR (sequence <= ? AND sequence <
       coalesce((SELECT min(sequence) FROM event WHERE time_ns >= ?), sequence + 1))`,
    last.sequence - mostEvents,
    last.sequence - keptEvents,
    nowNs - keptNs,
  );
}

export interface StoredEvent extends EventDocument {
  readonly sequence: number;
}

/** The number of the newest event; 0 before the first. */
export function lastSequence(database: Database): number {
  const row = database.get<{ sequence: number | null }>(
    "SELECT max(sequence) AS sequence FROM event",
  );
  return row?.sequence ?? 0;
}

/**
 * Events after a point of the sequence, oldest first.
 *
 * @param limit at most so many
 */
export function eventsAfter(database: Database, sequence: number, limit: number): StoredEvent[] {
  const rows = database.all<{ sequence: number; seconds: number; rest: number; document: string }>(
    `SELECT sequence, time_ns / 1000000000 AS seconds, time_ns % 1000000000 AS rest, document
     FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?`,
    sequence,
    limit,
  );
  return rows.map((row) => ({
    ...parseStoredJson<Pick<EventDocument, "Type" | "Action" | "Actor">>(row.document),
    scope: "local",
    time: row.seconds,
    timeNano: BigInt(row.seconds) * 1_000_000_000n + BigInt(row.rest),
    sequence: row.sequence,
  }));
}

/** The attributes of the newest event of a kind; undefined where none is kept. */
export function lastEventOf(
  database: Database,
  event: { readonly id: string; readonly action: string },
): Readonly<Record<string, string>> | undefined {
  const row = database.get<{ document: string }>(
    `SELECT document FROM event WHERE json_extract(document, '$.Actor.ID') = ?
       AND json_extract(document, '$.Action') = ? ORDER BY sequence DESC LIMIT 1`,
    event.id,
    event.action,
  );
  if (row === undefined) return undefined;
  return parseStoredJson<EventDocument>(row.document).Actor.Attributes;
}
