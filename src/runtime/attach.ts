// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isSystemError, LadeError } from "../base/errors.ts";
import type { RunPaths } from "../rootfs/run-paths.ts";
import { type MessageSocket, openMessageSocket } from "../sys/polled-socket.ts";
import { detachScanner, parseDetachKeys } from "./detach-keys.ts";
import { attachToLog } from "./log-attachment.ts";
import { type ProcessPaths, processPaths } from "./process-paths.ts";
import { readProcessRecord } from "./process-record.ts";
import type { Attachment, AttachOptions, TerminalSize } from "./types.ts";

/** How the process was made. */
export interface AttachTarget {
  readonly hasTerminal: boolean;
}

// What conmon puts before the bytes of each message.
const stdoutMark = 2;
const stderrMark = 3;
/** conmon reads no more of one message at once, and drops the rest. */
const largestInput = 32768;
/** Output that waits for a slow reader; the monitor, and so the process, waits beyond that. */
const mostWaiting = 512 * 1024;

/**
 * Attaches to a container's process from its making (`createProcess`) to its end.
 *
 * One whom the monitor has let in before the start gets all output.
 *
 * @throws LadeError CONTAINER_NOT_RUNNING where no monitor listens, CONTAINER_INVALID for bad keys
 */
export function attachTo(
  run: RunPaths,
  id: string,
  options: AttachOptions,
  target: AttachTarget,
): Attachment {
  const paths = processPaths(run, id);
  const { stdin, logPath } = readProcessRecord(paths) ?? {};
  // Where nothing is to be sent, leaving must not end the process's input.
  const isOnlooker = options.stdin === undefined && stdin === "once" && !target.hasTerminal;
  if (isOnlooker && logPath !== undefined && fs.existsSync(paths.attachSocket)) {
    return { ...attachToLog(paths, logPath, options), resize: () => {} };
  }
  return attachToProcess(paths, options, target);
}

/** As {@link attachTo}, for an exec, too. */
export function attachToProcess(
  paths: ProcessPaths,
  options: AttachOptions,
  target: AttachTarget,
): Attachment {
  const keys = parseDetachKeys(options.detachKeys);
  const state = new Connection(paths, options);
  if (options.stdin !== undefined) {
    const scan = target.hasTerminal ? detachScanner(keys) : undefined;
    state.sendInput(options.stdin, scan);
  }
  return {
    ended: state.ended,
    resize: (size) => resizeTerminal(paths, size),
    detach: () => state.finish("detached"),
    async [Symbol.asyncDispose]() {
      state.finish("detached");
      await state.ended.catch(() => {});
    },
  };
}

type Scan = ReturnType<typeof detachScanner>;

/** One connection to the monitor: output goes out in order, one message after the other. */
class Connection {
  readonly ended: Promise<"closed" | "detached">;
  readonly #settle: PromiseWithResolvers<"closed" | "detached">;
  readonly #socket: MessageSocket;
  readonly #options: AttachOptions;
  readonly #queue: Buffer[] = [];
  #waiting = 0;
  #isPumping = false;
  #hasAllOutput = false;
  #isFinished = false;

  constructor(paths: ProcessPaths, options: AttachOptions) {
    this.#options = options;
    this.#settle = Promise.withResolvers();
    this.ended = this.#settle.promise;
    this.#socket = connect(paths.attachSocket, {
      onMessage: (bytes) => this.#take(bytes),
      onEnd: () => {
        this.#hasAllOutput = true;
        this.#pump();
      },
    });
  }

  #take(bytes: Buffer): boolean {
    this.#queue.push(bytes);
    this.#waiting += bytes.length;
    this.#pump();
    return this.#waiting < mostWaiting;
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#deliver().catch((error: unknown) => this.#fail(error));
  }

  async #deliver(): Promise<void> {
    for (;;) {
      const bytes = this.#queue.shift();
      if (bytes === undefined || this.#isFinished) break;
      // No await where nothing has to wait: a burst of output is delivered in one go.
      const written = this.#sink(bytes)?.(bytes.subarray(1));
      if (written !== undefined) await written;
      const wasFull = this.#waiting >= mostWaiting;
      this.#waiting -= bytes.length;
      if (wasFull && this.#waiting < mostWaiting) this.#socket.resume();
    }
    this.#isPumping = false;
    if (this.#hasAllOutput) this.finish("closed");
  }

  #sink(bytes: Buffer): AttachOptions["stdout"] {
    if (bytes[0] === stdoutMark) return this.#options.stdout;
    return bytes[0] === stderrMark ? this.#options.stderr : undefined;
  }

  sendInput(input: AsyncIterable<Uint8Array>, scan: Scan | undefined): void {
    this.#send(input[Symbol.asyncIterator](), scan).catch((error: unknown) => this.#fail(error));
  }

  async #send(chunks: AsyncIterator<Uint8Array>, scan: Scan | undefined): Promise<void> {
    // Not awaited: a reader of a terminal may not return before somebody types.
    const stop = () => void chunks.return?.()?.catch(() => {});
    this.ended.then(stop, stop);
    while (!this.#isFinished) {
      const { done, value } = await chunks.next();
      if (done === true || this.#isFinished) break;
      const { bytes, isDetach } = scan?.(value) ?? { bytes: value, isDetach: false };
      for (let offset = 0; offset < bytes.length; offset += largestInput) {
        const piece = bytes.subarray(offset, offset + largestInput);
        // The process closed its input, or has ended: what it still writes is worth reading.
        if (!(await this.#socket.send(piece))) return;
      }
      if (isDetach && !this.#isFinished) {
        this.finish("detached");
        this.#options.onDetachKeys?.();
      }
    }
    // A terminal has no end of input but its own end.
    if (scan === undefined && !this.#isFinished) this.#socket.endSending();
  }

  finish(how: "closed" | "detached"): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#socket.close();
    this.#settle.resolve(how);
  }

  #fail(error: unknown): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#socket.close();
    this.#settle.reject(error);
  }
}

function connect(path: string, handlers: Parameters<typeof openMessageSocket>[1]): MessageSocket {
  try {
    return openMessageSocket(path, handlers);
  } catch (error) {
    if (isSystemError(error, "ENOENT") || isSystemError(error, "ECONNREFUSED")) {
      throw new LadeError("CONTAINER_NOT_RUNNING", "nothing to attach to: the process has ended", {
        cause: error,
      });
    }
    throw error;
  }
}

// conmon's message for a window size.
const resizeMessage = 1;

/** Tells a process's terminal its size; does nothing where the process has ended. */
export function resizeTerminal(paths: ProcessPaths, size: TerminalSize): void {
  let fd: number;
  try {
    fd = fs.openSync(paths.controlFifo, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    if (isSystemError(error, "ENOENT") || isSystemError(error, "ENXIO")) return;
    throw error;
  }
  try {
    fs.writeSync(fd, `${resizeMessage} ${size.rows} ${size.columns}\n`);
  } catch (error) {
    if (!isSystemError(error, "EPIPE") && !isSystemError(error, "EAGAIN")) throw error;
  } finally {
    fs.closeSync(fd);
  }
}

/** As {@link resizeTerminal}, for a container. */
export function resizeProcess(run: RunPaths, id: string, size: TerminalSize): void {
  resizeTerminal(processPaths(run, id), size);
}
