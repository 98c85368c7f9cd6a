// SPDX-License-Identifier: Apache-2.0

/** Connections whose other side is gone altogether. */

import { libcCalls } from "./calls.ts";

// struct pollfd and POLL* of <poll.h>.
const entrySize = 8;
const revents = 6;
const error = 8;
const hangUp = 16;

/**
 * Which of these sockets were closed at the other side in both directions: who only ended its
 * sending still reads, and Node tells one from the other when it next writes, not before.
 */
export function hungUp(fds: readonly number[]): boolean[] {
  const table = Buffer.alloc(fds.length * entrySize);
  for (const [index, fd] of fds.entries()) table.writeInt32LE(fd, index * entrySize);
  libcCalls().poll(table, BigInt(fds.length), 0);
  return fds.map((_, index) => {
    const found = table.readInt16LE(index * entrySize + revents);
    return Math.floor(found / hangUp) % 2 === 1 || Math.floor(found / error) % 2 === 1;
  });
}
