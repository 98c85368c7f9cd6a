// SPDX-License-Identifier: Apache-2.0

import { write } from "node:fs";
import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import type { InputReader } from "./context.ts";
import { OutputClosed } from "./exit-status.ts";

/** How long to wait for a reader that has no room, where the output does not block. */
const fullDelayMs = 5;

/**
 * Writes on another thread, so that a reader that is slow or stands still holds up neither input nor
 * signals.
 */
export async function writeBytes(fd: number, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    try {
      const result = await promisify(write)(fd, bytes, written, bytes.length - written, null);
      written += result.bytesWritten;
    } catch (error) {
      if (isSystemError(error, "EPIPE")) throw new OutputClosed();
      if (!isSystemError(error, "EAGAIN")) throw ioError(error, "write the output");
      await delay(fullDelayMs);
    }
  }
}

/**
 * Reads standard input by Node's own stream: a read on another thread could not be called off, and
 * lade would wait for one more line after the container has ended.
 */
export function openInput(): InputReader {
  const { stdin } = process;
  let wake = () => {};
  let isOver = false;
  const end = () => {
    isOver = true;
    wake();
  };
  // A terminal that was closed fails to be read, which is an end as any other.
  for (const event of ["end", "close", "error"]) stdin.on(event, end);
  stdin.on("readable", () => wake());
  return {
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const chunk: Buffer | null = isOver ? null : stdin.read();
        if (chunk !== null) yield chunk;
        else if (isOver) return;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
    [Symbol.dispose]() {
      end();
      stdin.destroy();
    },
  };
}

/** What can't be caught, ends a process that has gone wrong, or only tells of children and pipes. */
const ownSignals = new Set<string>([
  "SIGBUS",
  "SIGCHLD",
  "SIGFPE",
  "SIGILL",
  "SIGKILL",
  "SIGPIPE",
  "SIGPROF",
  "SIGSEGV",
  "SIGSTOP",
  "SIGURG",
]);

/** Catches every signal that can be handed on. */
export function onSignal(listener: (name: NodeJS.Signals) => void): Disposable {
  // Of two names of one signal the first is the usual one.
  const signals = Object.entries(constants.signals).reverse();
  const byNumber = new Map(signals.map(([name, number]) => [number, name] as const));
  const names = [...byNumber.values()].filter((name) => !ownSignals.has(name));
  for (const name of names) process.on(name, listener);
  return {
    [Symbol.dispose]() {
      for (const name of names) process.removeListener(name, listener);
    },
  };
}

/** Calls the listener after Node has asked the terminal for its new size. */
export function onResize(listener: () => void): Disposable {
  process.stdout.on("resize", listener);
  return {
    [Symbol.dispose]() {
      process.stdout.removeListener("resize", listener);
    },
  };
}
