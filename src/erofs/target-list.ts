// SPDX-License-Identifier: Apache-2.0

import { type ByteString, toByteString } from "../tar/entry.ts";
import { grownBuffer, ownBuffer } from "./node-table.ts";

const firstSize = 16 * 1024;

/** The targets of a layer's symlinks, one behind the other. */
export class TargetList {
  bytes: Buffer = ownBuffer(firstSize);
  #used = 0;

  /** @returns where it lies */
  add(target: ByteString): number {
    const offset = this.#used;
    const needed = offset + target.length;
    if (needed > this.bytes.length) this.bytes = grownBuffer(this.bytes, needed);
    this.#used += this.bytes.write(target, offset, "latin1");
    return offset;
  }

  text(offset: number, size: number): ByteString {
    return toByteString(this.bytes, offset, offset + size);
  }
}
