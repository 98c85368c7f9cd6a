// SPDX-License-Identifier: Apache-2.0

import { type ByteString, toByteString } from "../tar/entry.ts";

const firstSize = 16 * 1024;

/** The targets of a layer's symlinks, one behind the other. */
export class TargetList {
  bytes: Buffer = Buffer.allocUnsafe(firstSize);
  #used = 0;

  /** @returns where it lies */
  add(target: ByteString): number {
    const offset = this.#used;
    const needed = offset + target.length;
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, needed));
      this.bytes.copy(grown, 0, 0, offset);
      this.bytes = grown;
    }
    this.#used += this.bytes.write(target, offset, "latin1");
    return offset;
  }

  text(offset: number, size: number): ByteString {
    return toByteString(this.bytes, offset, offset + size);
  }
}
