// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import {
  type EventDocument,
  eventsAfter,
  lastSequence,
  type StoredEvent,
} from "../content/events.ts";
import { WriteWatch } from "../content/write-watch.ts";
import type { Engine } from "./engine.ts";
import { compileEventFilter } from "./event-filter.ts";
import type { Filter } from "./types.ts";

export interface EventsOptions {
  /** Also those that are kept since then. */
  readonly sinceNs?: bigint | undefined;
  /** Ends then; at once where that is over, after those that are kept. */
  readonly untilNs?: bigint | undefined;
  readonly filters?: readonly Filter[];
  readonly signal?: AbortSignal | undefined;
}

/** An event as Docker 28 gives it, with the names of old versions before those of today. */
export interface EventMessage extends EventDocument {
  readonly status?: string;
  readonly id?: string;
  readonly from?: string;
}

/**
 * What happens in the store, whichever process does it: events that are kept, then those to come.
 *
 * Nothing is missed between this call and the reading. Who reads so slowly that events were dropped
 * meanwhile (thirty seconds old and a thousand behind) gets an error and not a list with a hole.
 *
 * @returns ends at `untilNs`; without it, it goes on until the signal is aborted, which it throws
 *   the reason of
 * @throws LadeError FILTER_INVALID for an end before the beginning; LIMIT_EXCEEDED, while reading,
 *   for who fell behind
 */
export function watchEvents(
  engine: Engine,
  options: EventsOptions = {},
): AsyncIterable<EventMessage> {
  const { sinceNs, untilNs } = options;
  if (sinceNs !== undefined && untilNs !== undefined && untilNs < sinceNs) {
    throw new LadeError(
      "FILTER_INVALID",
      `\`since\` time (${unixTime(sinceNs)}) cannot be after \`until\` time (${unixTime(untilNs)})`,
    );
  }
  const head = lastSequence(engine.store.database);
  const wantsKept = sinceNs !== undefined || untilNs !== undefined;
  return follow(engine, options, { head, start: wantsKept ? 0 : head });
}

function unixTime(ns: bigint): string {
  const rest = ns % 1_000_000_000n;
  const seconds = String(ns / 1_000_000_000n);
  return rest === 0n ? seconds : `${seconds}.${String(rest).padStart(9, "0")}`;
}

/** Rows at a time, so that memory does not grow with a slow reader. */
const batchSize = 200;

interface Place {
  /** The newest event when the reading was asked for. */
  readonly head: number;
  /** Events after this one are read. */
  readonly start: number;
}

async function* follow(
  { store }: Engine,
  { sinceNs, untilNs, filters = [], signal = new AbortController().signal }: EventsOptions,
  { head, start }: Place,
): AsyncGenerator<EventMessage> {
  const isWanted = compileEventFilter(filters);
  // Before the first look: what is written after it is told of.
  using watch = new WriteWatch(store.paths.database);
  let last = start;
  for (;;) {
    signal.throwIfAborted();
    const remainingMs = remainingUntil(untilNs);
    const events = eventsAfter(store.database, last, batchSize);
    for (const event of events) {
      if (last > 0 && event.sequence > last + 1) throw missed(event.sequence - last - 1);
      last = event.sequence;
      const isInTime = event.timeNano >= (sinceNs ?? 0n) || event.sequence > head;
      const isTooLate = untilNs !== undefined && event.timeNano > untilNs;
      if (isInTime && !isTooLate && isWanted(event)) yield toMessage(event);
    }
    if (events.length === batchSize) continue;
    if (remainingMs <= 0) return;
    await watch.next({ atMostMs: remainingMs, signal });
  }
}

/** The longest time that a timer takes. */
const longestMs = 2_000_000_000;

function remainingUntil(untilNs: bigint | undefined): number {
  if (untilNs === undefined) return longestMs;
  return Math.min(longestMs, Math.ceil(Number(untilNs) / 1e6 - Date.now()));
}

function missed(count: number): LadeError {
  return new LadeError(
    "LIMIT_EXCEEDED",
    `events: ${count} were dropped before they were read: the reader is too slow`,
    { hint: "Ask again, with --since the last event." },
  );
}

function toMessage({ Type, Action, Actor, scope, time, timeNano }: StoredEvent): EventMessage {
  const { ID: id } = Actor;
  const names = Object.keys(Actor.Attributes).sort();
  const attributes = Object.fromEntries(names.map((name) => [name, Actor.Attributes[name] ?? ""]));
  const isOld = Type === "container" || Type === "image";
  return {
    ...(isOld && { status: Action, ...(id && { id }) }),
    ...(Type === "container" && attributes.image && { from: attributes.image }),
    Type,
    Action,
    Actor: { ID: id, Attributes: attributes },
    scope,
    time,
    timeNano,
  };
}
