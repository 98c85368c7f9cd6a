// SPDX-License-Identifier: Apache-2.0

/** Reads what `strace -f -q -y --decode-pids=pidns -o` writes, calls that failed as well. */

/** One system call that came back. */
export interface TracedLine {
  readonly kind: "call";
  readonly thread: string;
  readonly name: string;
  /** As strace spells them; descriptors have their paths behind them. */
  readonly args: readonly string[];
  /** What stands behind the equals sign. */
  readonly answer: string;
  readonly isDone: boolean;
  /** Counted in lines of the trace: where it began. */
  readonly start: number;
  readonly text: string;
}

/** The end of a thread. */
export interface TracedEnd {
  readonly kind: "end";
  readonly thread: string;
}

const suspended = / <unfinished \.\.\.>$/;

/**
 * In the order in which calls came back.
 *
 * @throws Error for a line that is no call, no signal and no end
 */
export function* parseLines(text: string): Generator<TracedLine | TracedEnd> {
  const pending = new Map<string, { readonly text: string; readonly start: number }>();
  for (const [at, line] of text.split("\n").entries()) {
    const [, thread, first] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (thread === undefined || first === undefined) {
      if (line !== "") throw new Error(`strace: line ${at + 1} is odd: ${line.slice(0, 200)}`);
      continue;
    }
    if (/^(\+\+\+|---) /.test(first)) {
      if (/^\+\+\+ (exited|killed)/.test(first)) {
        pending.delete(thread);
        yield { kind: "end", thread };
      }
      continue;
    }
    if (suspended.test(first)) {
      pending.set(thread, { text: first.replace(suspended, ""), start: at });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(first)?.[0];
    const before = resumed === undefined ? undefined : pending.get(thread);
    pending.delete(thread);
    // It was inside the call when strace came: what it began with is not known, nor is it lade's.
    if (resumed !== undefined && before === undefined) continue;
    const whole = `${before?.text ?? ""}${first.slice(resumed?.length ?? 0)}`;
    yield parseCall(whole, thread, before?.start ?? at);
  }
}

function parseCall(text: string, thread: string, start: number): TracedLine {
  const [, name] = /^(\w+)\(/.exec(text) ?? [];
  const { args, end } = splitArguments(text, (name?.length ?? 0) + 1);
  const answer = /^\) += (.*)$/.exec(text.slice(end))?.[1];
  if (name === undefined || answer === undefined) {
    throw new Error(`strace: no call: ${text.slice(0, 300)}`);
  }
  return { kind: "call", thread, name, args, answer, isDone: /^\d|^0x/.test(answer), start, text };
}

/** A string, the path behind a descriptor, or what opens, closes or parts. */
const piece = /"(?:[^"\\]|\\.)*"|(?<=\d|CWD)<[^<>]*>|[()[\]{},]/g;

function splitArguments(text: string, from: number): { args: string[]; end: number } {
  const args: string[] = [];
  let [depth, begin] = [0, from];
  piece.lastIndex = from;
  for (let found = piece.exec(text); found !== null; found = piece.exec(text)) {
    const [mark] = found;
    if (mark === "(" || mark === "[" || mark === "{") depth++;
    if (mark !== ")" && mark !== "]" && mark !== "}" && mark !== ",") continue;
    if (depth === 0 && (mark === "," || mark === ")")) {
      args.push(text.slice(begin, found.index).trim());
      begin = found.index + 1;
      if (mark === ")") return { args, end: found.index };
    }
    if (mark !== ",") depth--;
  }
  return { args, end: text.length };
}

const octal = /\\([0-7]{1,3}|x[0-9a-f]{2}|.)/g;
const short: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", v: "\v", f: "\f" };

/** What a string of strace stands for, one character a byte. */
export function spelledOut(text: string): string {
  return text.replace(octal, (_, code: string) => {
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    if (/^x./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return short[code] ?? code;
  });
}

/** The string of an argument, undefined for NULL, an address or a string that was cut. */
export function stringOf(argument: string | undefined): string | undefined {
  const [, inside] = /^"((?:[^"\\]|\\.)*)"$/.exec(argument ?? "") ?? [];
  return inside === undefined ? undefined : spelledOut(inside);
}

/** Number and path of a descriptor; a path of what is deleted is the one that it had. */
export function descriptorOf(
  argument: string | undefined,
): { readonly number: string; readonly path: string } | undefined {
  const [, number, path] = /^(\d+|AT_FDCWD)<([^<>]*)>/.exec(argument ?? "") ?? [];
  if (number === undefined || path === undefined) return undefined;
  return { number, path: spelledOut(path).replace(/ \(deleted\)$/, "") };
}
