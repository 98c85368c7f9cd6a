// SPDX-License-Identifier: Apache-2.0

/** Sockets of a kind that Node does not open: local ones that keep the borders of messages. */

import * as fs from "node:fs";
import { basename, dirname } from "node:path";
import { libcCalls } from "./calls.ts";
import { checkCall } from "./errno.ts";
import { closeOnExec, pathOnly } from "./file.ts";

// <sys/socket.h> on x86-64 and arm64.
const unixDomain = 1;
const seqpacketType = 5;
const closeOnExecType = 0o2000000;
const nonBlockingType = 0o4000;
const pathRoom = 107;

/**
 * Connects to a local SOCK_SEQPACKET socket.
 *
 * `fs.read` and `fs.write` without a position work on the descriptor, one message each.
 *
 * @param path may be longer than the 107 bytes that an address has room for
 * @param options.wait false: calls on it never wait; this one fails with EAGAIN where the other
 *   side has too many callers waiting
 */
export function connectSeqpacket(path: string, options: { wait?: boolean } = {}): number {
  const calls = libcCalls();
  const extra = options.wait === false ? nonBlockingType : 0;
  const made = calls.socket(unixDomain, seqpacketType | closeOnExecType | extra, 0);
  const fd = checkCall(made, { syscall: "socket" });
  try {
    withShortPath(path, (short) => {
      const address = encodeAddress(short);
      checkCall(calls.connect(fd, address, address.length), { syscall: "connect", path });
    });
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

function withShortPath(path: string, work: (short: string) => void): void {
  if (Buffer.byteLength(path) <= pathRoom) {
    work(path);
    return;
  }
  const folder = fs.openSync(dirname(path), pathOnly | closeOnExec | fs.constants.O_DIRECTORY);
  try {
    work(`/proc/self/fd/${folder}/${basename(path)}`);
  } finally {
    fs.closeSync(folder);
  }
}

/** struct sockaddr_un: the family in the machine's order, then the path with a NUL. */
function encodeAddress(path: string): Buffer {
  const address = Buffer.alloc(2 + Buffer.byteLength(path) + 1);
  address.writeUInt16LE(unixDomain, 0);
  address.write(path, 2);
  return address;
}

const directions = { read: 0, write: 1, both: 2 };

/**
 * Ends one direction of a socket: the other side's read, or a read of ours that is waiting in
 * another thread, ends with no bytes.
 */
export function shutdownSocket(fd: number, direction: keyof typeof directions): void {
  const result = libcCalls().shutdown(fd, directions[direction]);
  checkCall(result, { syscall: "shutdown" });
}
