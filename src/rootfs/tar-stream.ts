// SPDX-License-Identifier: Apache-2.0

import { readSync } from "node:fs";
import type { ByteSource } from "../base/bytes.ts";
import type { LadeError } from "../base/errors.ts";
import { read } from "../content/file-calls.ts";

/** A file that is open while its bytes are read; not the same as another that has had its number. */
export interface OpenFile {
  readonly fd: number;
  /** It stays open as long as the whole tar is read, so that it can be read in the background. */
  readonly isKept?: boolean | undefined;
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

type RangePart = Extract<TarPart, { readonly type: "range" }>;

/**
 * The bytes of a tar from its parts, which are asked for as they are needed.
 *
 * A part's file has to stay open until the next part is asked for. Whoever stops reading early calls
 * `return` of the parts, so that they close their files.
 */
export function partSource(parts: Iterator<TarPart>): ByteSource {
  const assembler = new Assembler(parts);
  return { read: (target) => assembler.read(target) };
}

/** Bytes to be laid over what a read brings. */
interface Overlay {
  readonly at: number;
  readonly size: number;
  /** Zeros where undefined. */
  readonly bytes: Uint8Array | undefined;
}

/** A read in the background into a part of the target. */
interface Reading {
  readonly file: OpenFile;
  readonly target: Uint8Array;
  /** Where in the target it begins and ends. */
  readonly start: number;
  readonly end: number;
  readonly offset: number;
  readonly done: Promise<number>;
  /** Up to where its bytes are wanted. */
  needed: number;
  onShort: () => LadeError;
  readonly overlays: Overlay[];
}

/** Below this a read in the background costs more than it saves. */
const backgroundSize = 64 * 1024;

/**
 * Fills targets with parts.
 *
 * The files of a layer mostly go out in the order in which they came, with headers of the same size
 * between them. Where that was so for some files, a read takes all that follows in the layer, headers
 * too, straight to where it belongs in the target, while headers are made to be laid over it.
 */
class Assembler {
  readonly #parts: Iterator<TarPart>;
  #part: TarPart | undefined;
  /** How much of the part went out. */
  #done = 0;
  /** How much went out in all. */
  #position = 0;
  #last: { readonly file: OpenFile; readonly delta: number } | undefined;
  /** How many ranges in a row lay in the layer as they lie in the tar. */
  #streak = 0;

  constructor(parts: Iterator<TarPart>) {
    this.#parts = parts;
  }

  async read(target: Uint8Array): Promise<number> {
    let reading: Reading | undefined;
    let filled = 0;
    try {
      while (filled < target.length) {
        const part = this.#next();
        if (part === undefined) break;
        const size = Math.min(sizeOf(part) - this.#done, target.length - filled);
        if (part.type !== "range") {
          putOrKeep(target, reading, this.#overlayOf(part, filled, size));
        } else if (size > 0 && !this.#isComing(part, reading, filled + size)) {
          if (reading !== undefined) await finish(reading);
          reading = this.#begin(part, target, filled, size);
        }
        filled += size;
        this.#done += size;
        this.#position += size;
      }
      if (reading !== undefined) await finish(reading);
      return filled;
    } catch (error) {
      // The target may not be let go while the kernel still writes into it.
      await reading?.done.catch(() => undefined);
      throw error;
    }
  }

  #next(): TarPart | undefined {
    if (this.#part === undefined || this.#done === sizeOf(this.#part)) {
      const next = this.#parts.next();
      this.#part = next.done === true ? undefined : next.value;
      this.#done = 0;
    }
    return this.#part;
  }

  #overlayOf(part: Exclude<TarPart, RangePart>, at: number, size: number): Overlay {
    if (part.type === "zeros") return { at, size, bytes: undefined };
    const isWhole = size === part.bytes.length;
    const bytes = isWhole ? part.bytes : part.bytes.subarray(this.#done, this.#done + size);
    return { at, size, bytes };
  }

  /** Whether the read that is under way brings a range to its place. */
  #isComing(part: RangePart, reading: Reading | undefined, end: number): boolean {
    const delta = this.#deltaOf(part);
    const isNext = this.#last?.file === part.file && this.#last.delta === delta;
    this.#streak = isNext ? this.#streak + 1 : 0;
    if (!isNext) this.#last = { file: part.file, delta };
    if (!isNext || reading?.file !== part.file || end > reading.end) return false;
    reading.needed = end;
    reading.onShort = part.onShort;
    return true;
  }

  /** How far a range lies in its file from where it goes in the tar. */
  #deltaOf(part: RangePart): number {
    return part.offset + this.#done - this.#position;
  }

  #begin(part: RangePart, target: Uint8Array, start: number, size: number): Reading | undefined {
    const { file, onShort } = part;
    const offset = part.offset + this.#done;
    // The longer it went well, the more it reads on trust.
    const trusted = backgroundSize * 2 ** Math.min(this.#streak, 10) - backgroundSize;
    const wanted = Math.min(target.length - start, Math.max(size, trusted));
    if (file.isKept !== true || wanted < backgroundSize) {
      readWhole(file, target.subarray(start, start + size), { offset, onShort });
      return undefined;
    }
    const end = start + wanted;
    const done = read(file.fd, target.subarray(start, end), offset);
    // It is awaited later, when headers are made.
    done.catch(() => undefined);
    return { file, target, start, end, offset, done, needed: start + size, onShort, overlays: [] };
  }
}

function sizeOf(part: TarPart): number {
  return part.type === "bytes" ? part.bytes.length : part.size;
}

/** While a read is under way, what lies in its place has to wait for it. */
function putOrKeep(target: Uint8Array, reading: Reading | undefined, overlay: Overlay): void {
  if (reading !== undefined && overlay.at < reading.end) reading.overlays.push(overlay);
  else put(target, overlay);
}

function put(target: Uint8Array, { at, size, bytes }: Overlay): void {
  if (bytes === undefined) target.fill(0, at, at + size);
  else target.set(bytes, at);
}

async function finish(reading: Reading): Promise<void> {
  const { file, target, start, needed, onShort } = reading;
  const count = await reading.done;
  // A read may stop early without having come to the end.
  if (start + count < needed) {
    const rest = target.subarray(start + count, needed);
    readWhole(file, rest, { offset: reading.offset + count, onShort });
  }
  for (const overlay of reading.overlays) put(target, overlay);
}

function readWhole(
  file: OpenFile,
  target: Uint8Array,
  from: { readonly offset: number; readonly onShort: () => LadeError },
): void {
  let filled = 0;
  while (filled < target.length) {
    const at = from.offset + filled;
    const count = readSync(file.fd, target, filled, target.length - filled, at);
    if (count === 0) throw from.onShort();
    filled += count;
  }
}
