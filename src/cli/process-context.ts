// SPDX-License-Identifier: Apache-2.0

import { fstatSync, readSync, statSync, writeSync } from "node:fs";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { localZone } from "../sys/local-time.ts";
import { makeTerminalRaw } from "../sys/terminal.ts";
import type { Context, InputStream, OutputStream } from "./context.ts";
import { OutputClosed } from "./exit-status.ts";
import { onResize, onSignal, openInput, writeBytes } from "./process-streams.ts";
import { useCases } from "./use-cases.ts";

/** The context of a real command line: this process. */
export function createProcessContext(): Context {
  const interruption = watchSignals();
  return {
    stdin: processInput(0),
    stdout: processOutput(1, () => process.stdout),
    stderr: quietWhenClosed(processOutput(2, () => process.stderr)),
    env: process.env,
    get signal() {
      return interruption.signal();
    },
    get interruptedBy() {
      return interruption.number();
    },
    onSignal,
    onResize,
    useCases,
    now: () => Date.now(),
    zoneAt: localZone,
  };
}

/**
 * Watches for SIGINT and SIGTERM from the first call of `signal` on; before it, they end the
 * process at once, which is right for commands that have nothing to tidy up. Each is caught once: a
 * second Ctrl-C ends a command that does not come to its end.
 */
function watchSignals(): { signal(): AbortSignal; number(): number | undefined } {
  let controller: AbortController | undefined;
  let caught: number | undefined;
  const watch = (name: NodeJS.Signals, number: number) => {
    process.once(name, () => {
      caught ??= number;
      controller?.abort();
    });
  };
  return {
    signal() {
      if (controller === undefined) {
        controller = new AbortController();
        watch("SIGINT", 2);
        watch("SIGTERM", 15);
      }
      return controller.signal;
    },
    number: () => caught,
  };
}

/**
 * Output that is written at once. Streams of `process` are left alone where they are no terminals:
 * opening one makes a pipe non-blocking for everyone who shares it, so also for an archive that the
 * engine writes to it.
 */
function processOutput(fd: number, terminalOf: () => NodeJS.WriteStream): OutputStream {
  let terminal: boolean | undefined;
  const isTerminal = () => {
    terminal ??= isTerminalFd(fd);
    return terminal;
  };
  return {
    get isTerminal() {
      return isTerminal();
    },
    get columns() {
      return isTerminal() ? terminalOf().columns : undefined;
    },
    get size() {
      if (!isTerminal()) return undefined;
      const { rows, columns } = terminalOf();
      return { rows, columns };
    },
    write: (text) => writeAll(fd, Buffer.from(text)),
    writeBytes: (bytes) => writeBytes(fd, bytes),
  };
}

/** Asks node:tty only about what may be a terminal: loading it takes several milliseconds. */
function isTerminalFd(fd: number): boolean {
  try {
    const stats = fstatSync(fd);
    if (!stats.isCharacterDevice()) return false;
    if (stats.rdev === statSync(devNull, { throwIfNoEntry: false })?.rdev) return false;
  } catch (error) {
    if (isSystemError(error, "EBADF")) return false;
    throw error;
  }
  return process.getBuiltinModule("node:tty").isatty(fd);
}

const devNull = "/dev/null";

function writeAll(fd: number, bytes: Buffer): void {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if (isSystemError(error, "EPIPE")) throw new OutputClosed();
      if (!isSystemError(error, "EAGAIN")) throw ioError(error, "write the output");
      pause();
    }
  }
}

/** Errors can't be reported to a reader that went away, and must not hide what the command did. */
function quietWhenClosed(output: OutputStream): OutputStream {
  return {
    get isTerminal() {
      return output.isTerminal;
    },
    get columns() {
      return output.columns;
    },
    get size() {
      return output.size;
    },
    write(text) {
      try {
        output.write(text);
      } catch (error) {
        if (!(error instanceof OutputClosed)) throw error;
      }
    },
    async writeBytes(bytes) {
      try {
        await output.writeBytes(bytes);
      } catch (error) {
        if (!(error instanceof OutputClosed)) throw error;
      }
    },
  };
}

function processInput(fd: number): InputStream {
  return {
    get isTerminal() {
      return isTerminalFd(fd);
    },
    readLine: () => readLine(fd),
    open: openInput,
    makeRaw() {
      const restore = makeTerminalRaw(fd);
      // However lade ends, the shell gets its terminal back.
      process.once("exit", restore);
      return () => {
        process.removeListener("exit", restore);
        restore();
      };
    },
  };
}

/** Reads byte by byte, so that what follows the line stays in the input. */
function readLine(fd: number): string | undefined {
  const bytes: number[] = [];
  const byte = Buffer.alloc(1);
  for (;;) {
    const count = readByte(fd, byte);
    if (count === 0 && bytes.length === 0) return undefined;
    if (count === 0 || byte[0] === 0x0a) return Buffer.from(bytes).toString();
    if (bytes.length < maxLineSize) bytes.push(byte[0] as number);
  }
}

/** An answer to a question is a word; the rest of an endless line is dropped. */
const maxLineSize = 4096;

function readByte(fd: number, byte: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, byte);
    } catch (error) {
      if (!isSystemError(error, "EAGAIN")) throw ioError(error, "read standard input");
      pause();
    }
  }
}

/** Waits a moment for a non-blocking pipe or terminal. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
}
