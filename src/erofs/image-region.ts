// SPDX-License-Identifier: Apache-2.0

import { endianness } from "node:os";
import { writeXattrBody } from "./xattr-body.ts";
import type { Xattr } from "./xattrs.ts";

/** EROFS has the lowest byte of a word first, as most machines do. */
export const isSwapped: boolean = endianness() === "BE";

/** A part of an image, addressed by offsets in the whole. */
export class ImageRegion {
  /** Zeros at first. */
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  readonly start: number;

  /** @param start where it lies in the image; like its size, a multiple of 4 */
  constructor(start: number, size: number) {
    this.start = start;
    this.bytes = Buffer.from(new ArrayBuffer(size));
    this.words = new Uint32Array(this.bytes.buffer);
  }

  setWords(offset: number, words: Uint32Array | readonly number[]): void {
    const at = (offset - this.start) / 4;
    this.words.set(words, at);
    if (isSwapped) this.bytes.subarray(at * 4, (at + words.length) * 4).swap32();
  }

  copy(offset: number, bytes: Buffer): void {
    bytes.copy(this.bytes, offset - this.start);
  }

  setXattrs(offset: number, xattrs: readonly Xattr[]): void {
    writeXattrBody(this.bytes, offset - this.start, xattrs);
  }
}
