// SPDX-License-Identifier: Apache-2.0

import { readSync } from "node:fs";
import type { ByteSource } from "../base/bytes.ts";
import type { LadeError } from "../base/errors.ts";

/** A file that is open while its bytes are read; not the same as another that has had its number. */
export interface OpenFile {
  readonly fd: number;
}

/** A piece of a tar that is being put together. */
export type TarPart =
  | { readonly type: "bytes"; readonly bytes: Buffer }
  | { readonly type: "zeros"; readonly size: number }
  | {
      /** A range of an open file. */
      readonly type: "range";
      readonly file: OpenFile;
      readonly offset: number;
      readonly size: number;
      /** The file's end came before that of the range. */
      readonly onShort: () => LadeError;
    };

/**
 * The bytes of a tar from its parts, which are asked for as they are needed.
 *
 * A part's file has to stay open until the next part is asked for. Whoever stops reading early calls
 * `return` of the parts, so that they close their files.
 */
export function partSource(parts: Iterator<TarPart>): ByteSource {
  const window = new ReadWindow();
  let part: TarPart | undefined;
  let done = 0;
  return {
    read(target: Uint8Array): Promise<number> {
      let filled = 0;
      while (filled < target.length) {
        if (part === undefined) {
          const next = parts.next();
          if (next.done === true) break;
          part = next.value;
          done = 0;
        }
        const size = sizeOf(part);
        const count = Math.min(size - done, target.length - filled);
        if (count > 0) fill(target.subarray(filled, filled + count), part, { done, window });
        filled += count;
        done += count;
        if (done === size) part = undefined;
      }
      return Promise.resolve(filled);
    },
  };
}

function sizeOf(part: TarPart): number {
  return part.type === "bytes" ? part.bytes.length : part.size;
}

function fill(
  target: Uint8Array,
  part: TarPart,
  at: { readonly done: number; readonly window: ReadWindow },
): void {
  switch (part.type) {
    case "bytes":
      part.bytes.copy(target, 0, at.done, at.done + target.length);
      return;
    case "zeros":
      target.fill(0);
      return;
    case "range": {
      const isRead = at.window.read(part.file, part.offset + at.done, target);
      if (!isRead) throw part.onShort();
    }
  }
}

const windowSize = 256 * 1024;
/** Larger pieces gain nothing from going through a window. */
const largePiece = 64 * 1024;
/** How far behind the window's end a piece may lie to count as the next one. */
const nearby = 64 * 1024;

/**
 * Reads pieces of files; small ones that lie one behind the other come from one read, since
 * the files of a layer's tar mostly go out in the order in which they came.
 */
class ReadWindow {
  #bytes: Buffer | undefined;
  #file: OpenFile | undefined;
  #start = 0;
  #end = 0;

  /** @returns false where the file ends before the piece does */
  read(file: OpenFile, offset: number, target: Uint8Array): boolean {
    if (file === this.#file && offset >= this.#start && offset + target.length <= this.#end) {
      this.#copy(offset, target);
      return true;
    }
    const isNext = file === this.#file && offset >= this.#start && offset < this.#end + nearby;
    if (target.length >= largePiece || !isNext) {
      // The next small piece behind this one is worth a window.
      this.#file = file;
      this.#start = offset + target.length;
      this.#end = this.#start;
      return readWhole(file.fd, offset, target);
    }
    this.#bytes ??= Buffer.allocUnsafeSlow(windowSize);
    this.#start = offset;
    this.#end = offset + readSync(file.fd, this.#bytes, 0, windowSize, offset);
    if (offset + target.length > this.#end) return readWhole(file.fd, offset, target);
    this.#copy(offset, target);
    return true;
  }

  #copy(offset: number, target: Uint8Array): void {
    const from = offset - this.#start;
    (this.#bytes as Buffer).copy(target, 0, from, from + target.length);
  }
}

function readWhole(fd: number, offset: number, target: Uint8Array): boolean {
  let filled = 0;
  while (filled < target.length) {
    const count = readSync(fd, target, filled, target.length - filled, offset + filled);
    if (count === 0) return false;
    filled += count;
  }
  return true;
}
