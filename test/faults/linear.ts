// SPDX-License-Identifier: Apache-2.0

/**
 * Whether what many clients saw of one name can be told as one story: a name is a register that is
 * set, removed and read, and each of these takes effect at one moment between its call and its end.
 *
 * After J. Wing, C. Gong: Testing and verifying concurrent objects (1993), with states that were
 * seen before left out.
 */

/** What the register must hold for the event to be possible. */
export type Need = "anything" | "present" | { readonly value: string | undefined };

export interface NameEvent {
  /** Milliseconds of one clock. */
  readonly start: number;
  readonly end: number;
  readonly needs: Need;
  /** What it holds afterwards, undefined for nothing; as before where this is not there. */
  readonly sets?: { readonly value: string | undefined };
  /** Of a client that was killed: it may have happened or not. */
  readonly isMaybe?: boolean;
  /** For whoever reads of a failure. */
  readonly text: string;
}

/** Set by somebody who did not live to tell: any value, which the first who reads it finds out. */
export const anyValue = "?";

interface State {
  /** All events before this one are done. */
  readonly low: number;
  /** Others that are done, ascending. */
  readonly done: readonly number[];
  readonly value: string | undefined;
}

/** Keeps a history that has no story from being looked at for ever. */
const mostStates = 400_000;

/** @returns what can't be told, with the events around it; undefined where all can */
export function findContradiction(history: readonly NameEvent[]): string | undefined {
  const events = history.toSorted((a, b) => a.start - b.start);
  const seen = new Set<string>();
  const stack: State[] = [{ low: 0, done: [], value: undefined }];
  let furthest: State = { low: 0, done: [], value: undefined };
  for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
    if (state.low === events.length) return undefined;
    if (state.low > furthest.low) furthest = state;
    if (seen.size > mostStates) return `undecided after ${mostStates} states`;
    for (const next of successors(events, state)) {
      const key = `${next.low} ${next.done.join(",")} ${next.value ?? ""}`;
      if (seen.has(key)) continue;
      seen.add(key);
      stack.push(next);
    }
  }
  return describe(events, furthest);
}

function successors(events: readonly NameEvent[], state: State): State[] {
  const open = openEvents(events, state);
  // A read that changes nothing may as well be now.
  const quiet = open.find((index) => {
    const event = events[index];
    return event?.sets === undefined && event !== undefined && meets(event.needs, state.value);
  });
  if (quiet !== undefined && !isGuess(events[quiet], state))
    return [step(state, quiet, state.value)];
  const firstEnd = Math.min(...open.map((index) => events[index]?.end ?? Infinity));
  return open.flatMap((index) => {
    const event = events[index];
    if (event === undefined) return [];
    const result: State[] = [];
    // Dropped as late as can be: what did not happen stands in nobody's way.
    if (event.isMaybe === true && event.end === firstEnd)
      result.push(step(state, index, state.value));
    if (meets(event.needs, state.value)) result.push(step(state, index, valueAfter(event, state)));
    return result;
  });
}

/** True for a read that finds out what a killed client had set. */
function isGuess(event: NameEvent | undefined, { value }: State): boolean {
  return value === anyValue && typeof event?.needs === "object";
}

function valueAfter(event: NameEvent, { value }: State): string | undefined {
  if (event.sets !== undefined) return event.sets.value;
  return typeof event.needs === "object" ? event.needs.value : value;
}

function meets(needs: Need, value: string | undefined): boolean {
  if (needs === "anything") return true;
  if (needs === "present") return value !== undefined;
  if (value === anyValue) return needs.value !== undefined;
  return needs.value === value;
}

/** Those that may be next: not done, and begun before any of them has ended. */
function openEvents(events: readonly NameEvent[], { low, done }: State): number[] {
  const isDone = new Set(done);
  const open: number[] = [];
  let firstEnd = Infinity;
  for (let index = low; index < events.length; index++) {
    const event = events[index];
    if (event === undefined || event.start > firstEnd) break;
    if (isDone.has(index)) continue;
    open.push(index);
    firstEnd = Math.min(firstEnd, event.end);
  }
  return open;
}

function step(state: State, index: number, value: string | undefined): State {
  const done = new Set([...state.done, index]);
  let { low } = state;
  for (; done.has(low); low++) done.delete(low);
  return { low, done: [...done].sort((a, b) => a - b), value };
}

function describe(events: readonly NameEvent[], state: State): string {
  const shown = events
    .map((event, index) => ({ event, index }))
    .slice(Math.max(0, state.low - 8), state.low + 12)
    .map(({ event, index }) => {
      const mark = index < state.low ? " " : "!";
      const times = `${event.start.toFixed(1)}–${event.end.toFixed(1)}`;
      return `${mark} ${times} ${event.text}${event.isMaybe === true ? " (killed)" : ""}`;
    });
  return `no order explains these (value ${state.value ?? "none"}):\n    ${shown.join("\n    ")}`;
}
