// SPDX-License-Identifier: Apache-2.0

/**
 * Local SOCK_SEQPACKET sockets on Node's event loop.
 *
 * Node takes a descriptor for a `net.Socket` only where it is a stream, though its loop reads and
 * writes any descriptor that can be polled. So it is given a stream socket that is connected to
 * nothing, and before it looks at it the real socket is put in that descriptor's place: no thread
 * waits, however many sockets are open.
 */

import { dlopen } from "node:ffi";
import * as fs from "node:fs";
import { Socket, type SocketConstructorOpts } from "node:net";
import { isSystemError } from "../base/errors.ts";
import { libcCalls } from "./calls.ts";
import { checkCall } from "./errno.ts";
import { closeOnExec } from "./file.ts";
import { connectSeqpacket } from "./socket.ts";

export interface MessageHandlers {
  /** One message, in order; false has the next ones wait for {@link MessageSocket.resume}. */
  readonly onMessage: (bytes: Buffer) => boolean;
  /** No message comes after this. Not called after `close`. */
  readonly onEnd: () => void;
}

export interface MessageSocket {
  resume(): void;
  /**
   * Sends one message, and waits where the other side is slow.
   *
   * @returns false when the other side takes no more
   */
  send(bytes: Uint8Array): Promise<boolean>;
  /** Tells the other side that nothing more is sent. */
  endSending(): void;
  close(): void;
}

const largestMessage = 65536;

/**
 * Connects to a local SOCK_SEQPACKET socket.
 *
 * What the other side sent before it went is all given to `onMessage`, also where it went without
 * reading what was sent to it.
 *
 * @throws SystemError ENOENT, ECONNREFUSED where nobody listens; EAGAIN where too many wait
 */
export function openMessageSocket(path: string, handlers: MessageHandlers): MessageSocket {
  const fd = connectSeqpacket(path, { wait: false });
  let isClosed = false;
  let hasEnded = false;
  const end = () => {
    if (isClosed || hasEnded) return;
    hasEnded = true;
    handlers.onEnd();
  };
  const reader = adopt(fd, {
    allowHalfOpen: true,
    onread: {
      buffer: Buffer.allocUnsafeSlow(largestMessage),
      callback: (size, buffer) => handlers.onMessage(Buffer.from(buffer.subarray(0, size))),
    },
  });
  // Unread input at the other side makes the kernel tell an error before the messages that came
  // earlier, and Node closes its descriptor at an error: they are read from our own.
  reader.on("error", () => {
    if (!isClosed) drain(fd, handlers);
    end();
  });
  reader.on("end", end);
  // One more descriptor for sending, so that an error there does not end the reading.
  let writer: Socket | undefined;
  const openWriter = () => {
    if (writer === undefined) {
      writer = adopt(fd, { readable: false });
      writer.on("error", () => {});
    }
    return writer;
  };
  return {
    resume: () => void reader.resume(),
    send(bytes) {
      const sender = openWriter();
      return new Promise((resolve) => {
        if (isClosed || sender.destroyed) resolve(false);
        else sender.write(bytes, (error) => resolve(!error));
      });
    },
    endSending: () => void (isClosed || openWriter().end()),
    close() {
      if (isClosed) return;
      isClosed = true;
      reader.destroy();
      writer?.destroy();
      fs.closeSync(fd);
    },
  };
}

function bind() {
  return dlopen(null, { dup3: { return: "i32", arguments: ["i32", "i32", "i32"] } }).functions;
}
let bound: ReturnType<typeof bind> | undefined;

/** Has Node's loop work on a copy of the descriptor. */
function adopt(fd: number, options: SocketConstructorOpts): Socket {
  // AF_UNIX and SOCK_STREAM of <sys/socket.h>.
  const made = libcCalls().socket(1, 1 | closeOnExec, 0);
  const place = checkCall(made, { syscall: "socket" });
  const socket = new Socket({ readable: true, writable: true, ...options, fd: place });
  // The loop first polls the descriptor when this function's caller has returned to it.
  bound ??= bind();
  checkCall(bound.dup3(fd, place, closeOnExec), { syscall: "dup3" });
  return socket;
}

function drain(fd: number, handlers: MessageHandlers): void {
  const buffer = Buffer.allocUnsafe(largestMessage);
  for (;;) {
    let size: number;
    try {
      size = fs.readSync(fd, buffer);
    } catch (error) {
      if (isSystemError(error, "EINTR") || isSystemError(error, "ECONNRESET")) continue;
      return;
    }
    if (size === 0) return;
    handlers.onMessage(Buffer.from(buffer.subarray(0, size)));
  }
}
