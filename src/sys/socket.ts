// SPDX-License-Identifier: Apache-2.0

/** Sockets of a kind that Node does not open: local ones that keep the borders of messages. */

import * as fs from "node:fs";
import { basename, dirname } from "node:path";
import { libcCalls } from "./calls.ts";
import { checkCall } from "./errno.ts";
import { closeOnExec, pathOnly } from "./file.ts";

// <sys/socket.h> on x86-64 and arm64.
const unixDomain = 1;
const datagramType = 2;
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

/**
 * Sends one datagram to a local socket.
 *
 * @param path begins with `@` for a socket without a file
 */
export function sendDatagram(path: string, bytes: Uint8Array): void {
  const calls = libcCalls();
  const made = calls.socket(unixDomain, datagramType | closeOnExecType, 0);
  const fd = checkCall(made, { syscall: "socket" });
  try {
    const address = path.startsWith("@")
      ? encodeAddress(`\0${path.slice(1)}`).subarray(0, -1)
      : encodeAddress(path);
    checkCall(calls.connect(fd, address, address.length), { syscall: "connect", path });
    fs.writeSync(fd, bytes);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * The path that a local socket is bound to; empty where it has none, undefined for a socket that is
 * no local one.
 */
export function localSocketPath(fd: number): string | undefined {
  const address = Buffer.alloc(2 + pathRoom + 1);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(address.length);
  checkCall(libcCalls().getsockname(fd, address, size), { syscall: "getsockname" });
  if (address.readUInt16LE(0) !== unixDomain) return undefined;
  const path = address.toString("utf8", 2, size.readUInt32LE(0));
  return path.startsWith("\0") ? `@${path.slice(1)}` : path.replace(/\0.*$/s, "");
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
