// SPDX-License-Identifier: Apache-2.0

/** Runs a command under strace and tells which calls on files it made, with all the bytes. */

import { readFileSync, rmSync } from "node:fs";
import { type RunResult, requireTool, run } from "../helpers/tools.ts";

/** One system call that succeeded. Threads make calls at the same time: hence two moments. */
export interface TracedCall {
  readonly name: string;
  /** Numbers, flags and names as strace spells them; quoted strings are still in hexadecimal. */
  readonly args: readonly string[];
  readonly answer: number;
  /** Counted in lines of the trace. */
  readonly start: number;
  readonly end: number;
}

/** All that change files, or say which file a descriptor stands for. */
const calls = [
  ["open", "openat", "creat", "close", "dup", "dup2", "dup3"],
  ["write", "pwrite64", "writev", "pwritev", "pwritev2", "copy_file_range", "sendfile"],
  ["ftruncate", "truncate", "fallocate", "fsync", "fdatasync", "sync", "syncfs"],
  ["rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"],
  ["unlink", "unlinkat", "rmdir", "mkdir", "mkdirat"],
].flat();

const longestWrite = 64 * 1024 * 1024;

export interface Traced extends RunResult {
  readonly calls: readonly TracedCall[];
}

/**
 * @param file for the trace; it is removed
 * @throws Error where strace is not there
 */
export async function trace(
  command: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly file: string },
): Promise<Traced> {
  const strace = requireTool("strace", "strace");
  const how = ["-f", "-qq", "--seccomp-bpf", "-xx", "-s", String(longestWrite)];
  const what = ["-e", `trace=${calls.join(",")}`, "-e", "signal=none", "-o", options.file];
  // Calls that a ring carries are no system calls of their own.
  const env = { ...options.env, UV_USE_IO_URING: "0" };
  const result = await run(strace, [...how, ...what, ...command], { env });
  try {
    return { ...result, calls: parseTrace(readFileSync(options.file, "latin1")) };
  } finally {
    rmSync(options.file, { force: true });
  }
}

const suspended = " <unfinished ...>";

/** @param text what `strace -f -xx -o` writes */
export function parseTrace(text: string): TracedCall[] {
  const found: TracedCall[] = [];
  const pending = new Map<string, { readonly text: string; readonly start: number }>();
  for (const [at, line] of text.split("\n").entries()) {
    const space = line.indexOf(" ");
    const thread = line.slice(0, space);
    let rest = line.slice(space).trimStart();
    let start = at;
    if (rest.endsWith(suspended)) {
      pending.set(thread, { text: rest.slice(0, -suspended.length), start });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(rest)?.[0];
    if (resumed !== undefined) {
      const before = pending.get(thread);
      if (before === undefined) continue;
      rest = before.text + rest.slice(resumed.length);
      start = before.start;
      pending.delete(thread);
    }
    const call = parseCall(rest, { start, end: at });
    if (call !== undefined) found.push(call);
  }
  return found;
}

function parseCall(
  text: string,
  when: { readonly start: number; readonly end: number },
): TracedCall | undefined {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(") ");
  const answer = /^\) += (\d+)/.exec(text.slice(close))?.[1];
  if (open <= 0 || close < open || answer === undefined) return undefined;
  const args = text.slice(open + 1, close).split(", ");
  return { name: text.slice(0, open), args, answer: Number(answer), ...when };
}

/** The bytes of a string that strace wrote with `-xx`. */
export function unquote(text: string): Buffer {
  if (!text.startsWith('"') || !text.endsWith('"'))
    throw new Error(`strace: no string: ${text.slice(0, 80)}`);
  return Buffer.from(text.slice(1, -1).replaceAll("\\x", ""), "hex");
}
