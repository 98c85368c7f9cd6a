// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { basename, dirname } from "node:path";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { close, open, read } from "../content/file-calls.ts";
import { LineCutter, type LogLine, parseLogLine, timeNs, utcTime } from "./log-lines.ts";
import { findTail, type TailStarts } from "./log-tail.ts";
import type { LogOptions, LogRecord } from "./types.ts";

export interface ReadLogsOptions extends LogOptions {
  /**
   * Settles when nothing more is written: when the container has ended. Undefined: it has ended.
   * What the process wrote last then counts as a line, with a newline or without.
   */
  readonly ended?: Promise<unknown> | undefined;
  /** True: the process's bytes as they are, without a newline after its last ones. */
  readonly isExact?: boolean | undefined;
  /** Where in the file to begin, instead of `tail`. */
  readonly startOffset?: number | undefined;
}

/**
 * Reads a container's log as the monitor writes it.
 *
 * Follows until `ended` settles, `untilNs` has passed or `signal` aborts, which is no error.
 *
 * @throws LadeError IO_FAILED
 */
export async function* readLogs(path: string, options: ReadLogsOptions): AsyncGenerator<LogRecord> {
  const file = await openLog(path);
  if (file === undefined && options.follow !== true) return;
  await using reader = new LogReader(path, file, options);
  yield* reader.records();
}

/**
 * A log that somebody replaced by a link is not followed.
 *
 * @returns a plain descriptor: a FileHandle that nobody closes ends the process when it is collected
 */
async function openLog(path: string): Promise<number | undefined> {
  try {
    return await open(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw ioError(error, `open the log ${path}`);
  }
}

const chunkSize = 256 * 1024;

class LogReader implements AsyncDisposable {
  readonly #path: string;
  readonly #options: ReadLogsOptions;
  readonly #changes: Changes | undefined;
  #file: number | undefined;
  /** Where the next read begins. */
  #readOffset = 0;
  /** Where the next line begins. */
  #lineOffset = 0;
  readonly #buffer: Buffer = Buffer.allocUnsafe(chunkSize);
  #lines = new LineCutter();
  #tail: TailStarts | undefined;
  #isPastUntil = false;
  /** The time of the last part on each stream whose line has not ended. */
  readonly #unfinished = new Map<LogRecord["stream"], string>();

  constructor(path: string, file: number | undefined, options: ReadLogsOptions) {
    this.#path = path;
    this.#file = file;
    this.#options = options;
    if (options.follow === true && options.ended !== undefined) {
      this.#changes = new Changes(path, options);
    }
  }

  async *records(): AsyncGenerator<LogRecord> {
    const { tail, startOffset } = this.#options;
    if (startOffset !== undefined) {
      this.#readOffset = startOffset;
      this.#lineOffset = startOffset;
    } else if (tail !== undefined && this.#file !== undefined) {
      this.#tail = await findTail(this.#file, tail);
      const { size } = fs.fstatSync(this.#file);
      this.#readOffset = Math.min(size, ...this.#tail.values());
      this.#lineOffset = this.#readOffset;
    }
    for (;;) {
      // Asked before reading: what was written until the end is read below.
      const isLast = this.#changes === undefined || this.#changes.isOver;
      yield* this.#toEnd();
      if (this.#isPastUntil || this.#options.signal?.aborted) return;
      if (await this.#takeNewFile()) continue;
      if (isLast) break;
      await this.#changes?.next();
    }
    if (this.#options.isExact !== true && (await this.#isEnded())) yield* this.#lastNewlines();
  }

  async #isEnded(): Promise<boolean> {
    const { ended } = this.#options;
    if (ended === undefined) return true;
    const state = await Promise.race([
      ended.then(
        () => "ended",
        () => "ended",
      ),
      tick(),
    ]);
    return state === "ended";
  }

  async *#toEnd(): AsyncGenerator<LogRecord> {
    while (this.#file !== undefined && !this.#options.signal?.aborted) {
      const bytesRead = await read(this.#file, this.#buffer, this.#readOffset);
      if (bytesRead === 0) return;
      this.#readOffset += bytesRead;
      // A copy: records outlive the buffer.
      for (const line of this.#lines.cut(Buffer.from(this.#buffer.subarray(0, bytesRead)))) {
        const record = this.#record(line, this.#lineOffset);
        this.#lineOffset += line.length;
        if (this.#isPastUntil) return;
        if (record !== undefined) yield record;
      }
    }
  }

  #record(line: Buffer, offset: number): LogRecord | undefined {
    const parsed = parseLogLine(line);
    if (parsed === undefined || this.#isBeforeTail(parsed, offset)) return undefined;
    const time = utcTime(parsed.stamp);
    const { sinceNs, untilNs, stdout, stderr } = this.#options;
    if (sinceNs !== undefined && timeNs(time) < sinceNs) return undefined;
    if (untilNs !== undefined && timeNs(time) > untilNs) {
      this.#isPastUntil = true;
      return undefined;
    }
    const { stream, isWhole, bytes } = parsed;
    if ((stream === "stdout" ? stdout : stderr) === false) return undefined;
    if (isWhole) this.#unfinished.delete(stream);
    else this.#unfinished.set(stream, time);
    return { stream, time, bytes, isWhole };
  }

  #isBeforeTail({ stream }: LogLine, offset: number): boolean {
    return this.#tail !== undefined && offset < (this.#tail.get(stream) ?? 0);
  }

  /** The monitor starts the log anew when it has grown to its limit. */
  async #takeNewFile(): Promise<boolean> {
    const next = await openLog(this.#path);
    if (next === undefined) return false;
    const now = this.#file;
    if (now !== undefined && isSameFile(now, next)) {
      await close(next);
      return false;
    }
    this.#file = next;
    if (now !== undefined) await close(now);
    this.#readOffset = 0;
    this.#lineOffset = 0;
    this.#lines = new LineCutter();
    this.#tail = undefined;
    return true;
  }

  *#lastNewlines(): Generator<LogRecord> {
    for (const [stream, time] of this.#unfinished) {
      yield { stream, time, bytes: Buffer.from("\n"), isWhole: true };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#changes?.close();
    if (this.#file !== undefined) await close(this.#file);
  }
}

function isSameFile(one: number, other: number): boolean {
  const [a, b] = [fs.fstatSync(one), fs.fstatSync(other)];
  return a.ino === b.ino && a.dev === b.dev;
}

function tick(): Promise<"open"> {
  return new Promise((resolve) => setImmediate(resolve, "open"));
}

/** Tells when there may be more to read, and when nothing more comes. */
class Changes {
  isOver = false;
  readonly #watcher: fs.FSWatcher;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #signal: AbortSignal | undefined;
  #isNew = false;
  #wake: (() => void) | undefined;

  constructor(path: string, options: ReadLogsOptions) {
    const name = basename(path);
    // Its folder, since another file may take its place.
    this.#watcher = fs.watch(dirname(path), (_, changed) => {
      if (changed === name) this.#tell();
    });
    this.#watcher.on("error", () => this.#end());
    options.ended?.then(
      () => this.#end(),
      () => this.#end(),
    );
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#end, { once: true });
    if (options.untilNs !== undefined)
      this.#timer = setTimeout(this.#end, msUntil(options.untilNs));
  }

  #tell = (): void => {
    this.#isNew = true;
    this.#wake?.();
  };

  #end = (): void => {
    this.isOver = true;
    this.#tell();
  };

  async next(): Promise<void> {
    if (!this.#isNew) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#isNew = false;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#end);
    this.#watcher.close();
  }
}

const longestTimerMs = 2 ** 31 - 1;

function msUntil(timeNs: bigint): number {
  const ms = Number(timeNs / 1_000_000n) - Date.now();
  return Math.min(Math.max(ms, 0), longestTimerMs);
}
