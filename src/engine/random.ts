// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";

/** Random bytes straight from the kernel: loading Node's own module takes longer than all of `ps`. */
export function randomBytes(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  const fd = fs.openSync("/dev/urandom", "r");
  try {
    fs.readSync(fd, bytes);
  } finally {
    fs.closeSync(fd);
  }
  return bytes;
}

const idSize = 32;

/**
 * A new ID of a container, exec or anonymous volume: 64 hexadecimal digits, the first twelve of
 * which are never all decimal, since a host name may not be a number.
 */
export function randomId(): string {
  for (;;) {
    const id = Buffer.from(randomBytes(idSize).buffer).toString("hex");
    if (!/^\d{12}/.test(id)) return id;
  }
}
