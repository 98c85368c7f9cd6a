// SPDX-License-Identifier: Apache-2.0

/**
 * Requests to the kernel's network configuration.
 *
 * @see rtnetlink(7), netlink(7), <linux/rtnetlink.h>
 */

import * as fs from "node:fs";
import { libcCalls } from "./calls.ts";
import { checkCall, systemError } from "./errno.ts";

// <sys/socket.h> and <linux/netlink.h>.
const netlinkDomain = 16;
const rawType = 3;
const closeOnExecType = 0o2000000;
const routeProtocol = 0;

/** A socket of the network namespace in which it was opened, whoever uses it later. */
export interface Netlink extends Disposable {
  /**
   * Sends a request and waits until it is done.
   *
   * @param type RTM_*
   * @param flags NLM_F_* besides those for a request with an answer
   * @returns the bodies of the messages that came as answers
   * @throws SystemError with what the kernel says of it
   */
  request(type: number, flags: number, body: Buffer): Buffer[];
}

const headerSize = 16;
const requestFlag = 1;
const acknowledgeFlag = 4;
const errorType = 2;
const answerSize = 65_536;

export function openNetlink(): Netlink {
  const made = libcCalls().socket(netlinkDomain, rawType | closeOnExecType, routeProtocol);
  const fd = checkCall(made, { syscall: "socket AF_NETLINK" });
  let sequence = 0;
  return {
    request(type, flags, body) {
      sequence++;
      const message = Buffer.alloc(headerSize + body.length);
      message.writeUInt32LE(message.length, 0);
      message.writeUInt16LE(type, 4);
      message.writeUInt16LE(flags | requestFlag | acknowledgeFlag, 6);
      message.writeUInt32LE(sequence, 8);
      body.copy(message, headerSize);
      fs.writeSync(fd, message);
      return readAnswers(fd, sequence);
    },
    [Symbol.dispose]: () => fs.closeSync(fd),
  };
}

/** Reads up to the message that says whether the request was carried out. */
function readAnswers(fd: number, sequence: number): Buffer[] {
  const answers: Buffer[] = [];
  const buffer = Buffer.allocUnsafe(answerSize);
  for (;;) {
    const size = fs.readSync(fd, buffer);
    for (let at = 0; at + headerSize <= size; ) {
      const length = buffer.readUInt32LE(at);
      const body = buffer.subarray(at + headerSize, at + length);
      if (buffer.readUInt32LE(at + 8) === sequence) {
        if (buffer.readUInt16LE(at + 4) !== errorType) {
          answers.push(Buffer.from(body));
        } else {
          const code = body.readInt32LE(0);
          if (code === 0) return answers;
          throw systemError(-code, { syscall: "netlink" });
        }
      }
      at += aligned(length);
    }
  }
}

/** An attribute: its size, its type, its value, and zeros up to a multiple of four. */
export function encodeAttribute(type: number, ...values: readonly (Buffer | string)[]): Buffer {
  const value = Buffer.concat(
    values.map((part) => (typeof part === "string" ? Buffer.from(`${part}\0`) : part)),
  );
  const attribute = Buffer.alloc(aligned(value.length + 4));
  attribute.writeUInt16LE(value.length + 4, 0);
  attribute.writeUInt16LE(type, 2);
  value.copy(attribute, 4);
  return attribute;
}

/** A number as the machine has it. */
export function encodeUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** The value of an attribute; undefined where there is none of the type. */
export function findAttribute(attributes: Buffer, type: number): Buffer | undefined {
  for (let at = 0; at + 4 <= attributes.length; ) {
    const size = attributes.readUInt16LE(at);
    if (size < 4) return undefined;
    if (attributes.readUInt16LE(at + 2) === type) return attributes.subarray(at + 4, at + size);
    at += aligned(size);
  }
  return undefined;
}

function aligned(size: number): number {
  return Math.ceil(size / 4) * 4;
}
