// SPDX-License-Identifier: Apache-2.0

import { type ByteString, toByteString } from "../tar/entry.ts";
import { grow } from "./node-table.ts";

const firstCapacity = 1024;
const firstBytes = 16 * 1024;

/** No node has the name: it was never given, or what it stood for was left out. */
export const noNode = -1;

/** The names `.` and `..`, which every folder holds and no folder is asked for. */
export const selfName = 0;
export const parentName = 1;

/**
 * The names in all folders of a layer, found by folder and name.
 *
 * A name, once there, stays: removing what it stands for sets its node to `noNode`, and what comes
 * later under the same name takes it over. Names lie behind each other in one buffer, and a hash
 * table of numbers finds them, since strings and maps of strings would take five times the memory.
 */
export class NameTable {
  count = 2;
  /** The bytes of all names. */
  bytes: Buffer = Buffer.allocUnsafe(firstBytes);
  #bytesUsed = 2;
  #capacity = firstCapacity;
  offset: Uint32Array = new Uint32Array(firstCapacity);
  length: Uint16Array = new Uint16Array(firstCapacity);
  /** What the name stands for, or `noNode`. */
  node: Int32Array = new Int32Array(firstCapacity);
  /** The name that was given in the same folder before, or -1. */
  previous: Int32Array = new Int32Array(firstCapacity);
  #folder: Int32Array = new Int32Array(firstCapacity);
  #hash: Int32Array = new Int32Array(firstCapacity);
  /** Names by hash, plus one; a power of two, at most half full. */
  #slots: Int32Array = new Int32Array(2 * firstCapacity);
  // So that nobody can make up names that all fall into one slot.
  readonly #seed = Math.floor(Math.random() * 2 ** 31);

  constructor() {
    this.bytes.write("..", 0, "latin1");
    this.length[selfName] = 1;
    this.length[parentName] = 2;
    this.node.fill(noNode, selfName, parentName + 1);
  }

  /**
   * The name `path.slice(start, end)` in a folder; -1 where the folder never had it.
   *
   * The name's bytes then lie behind the others, for `add` to keep.
   */
  find(folder: number, path: ByteString, start: number, end: number): number {
    this.#reserve(end - start);
    const { bytes } = this;
    let at = this.#bytesUsed;
    let hash = Math.imul(folder ^ this.#seed, fnvPrime);
    for (let index = start; index < end; index++) {
      const byte = path.charCodeAt(index);
      bytes[at++] = byte;
      hash = Math.imul(hash ^ byte, fnvPrime);
    }
    this.#lastHash = hash;
    this.#lastFolder = folder;
    this.#lastLength = end - start;
    const mask = this.#slots.length - 1;
    for (let slot = spread(hash) & mask; ; slot = (slot + 1) & mask) {
      const name = (this.#slots[slot] as number) - 1;
      if (name < 0) return -1;
      if (this.#hash[name] === hash && this.#folder[name] === folder && this.#isLast(name)) {
        return name;
      }
    }
  }

  #lastHash = 0;
  #lastFolder = 0;
  #lastLength = 0;

  #isLast(name: number): boolean {
    const length = this.#lastLength;
    if (this.length[name] !== length) return false;
    const { bytes } = this;
    const start = this.offset[name] as number;
    const other = this.#bytesUsed;
    for (let index = 0; index < length; index++) {
      if (bytes[start + index] !== bytes[other + index]) return false;
    }
    return true;
  }

  /** Adds the name that `find` was just asked for and did not have. */
  add(previous: number): number {
    if (this.count === this.#capacity) this.#grow();
    const name = this.count++;
    this.offset[name] = this.#bytesUsed;
    this.length[name] = this.#lastLength;
    this.node[name] = noNode;
    this.previous[name] = previous;
    this.#folder[name] = this.#lastFolder;
    this.#hash[name] = this.#lastHash;
    this.#bytesUsed += this.#lastLength;
    this.#place(name);
    return name;
  }

  /** Keeps bytes that are no name, such as a symlink's target, and says where. */
  addBytes(text: ByteString): number {
    this.#reserve(text.length);
    const offset = this.#bytesUsed;
    this.#bytesUsed += this.bytes.write(text, offset, "latin1");
    return offset;
  }

  /** Negative, 0 or positive, by the bytes of both names. */
  compare(a: number, b: number): number {
    const { bytes } = this;
    const lengthA = this.length[a] as number;
    const lengthB = this.length[b] as number;
    const end = Math.min(lengthA, lengthB);
    const startA = this.offset[a] as number;
    const startB = this.offset[b] as number;
    for (let index = 0; index < end; index++) {
      const difference = (bytes[startA + index] as number) - (bytes[startB + index] as number);
      if (difference !== 0) return difference;
    }
    return lengthA - lengthB;
  }

  text(offset: number, length: number): ByteString {
    return toByteString(this.bytes, offset, offset + length);
  }

  /** Gives back what only `find` and `add` need. */
  release(): void {
    this.#slots = new Int32Array(1);
    this.#hash = new Int32Array(0);
    this.#folder = new Int32Array(0);
  }

  #place(name: number): void {
    const mask = this.#slots.length - 1;
    let slot = spread(this.#hash[name] as number) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = name + 1;
  }

  #reserve(size: number): void {
    const needed = this.#bytesUsed + size;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, needed));
    this.bytes.copy(grown, 0, 0, this.#bytesUsed);
    this.bytes = grown;
  }

  #grow(): void {
    const length = this.#capacity * 2;
    const int32 = (size: number) => new Int32Array(size);
    this.offset = grow(this.offset, (size) => new Uint32Array(size), length);
    this.length = grow(this.length, (size) => new Uint16Array(size), length);
    this.node = grow(this.node, int32, length);
    this.previous = grow(this.previous, int32, length);
    this.#folder = grow(this.#folder, int32, length);
    this.#hash = grow(this.#hash, int32, length);
    this.#capacity = length;
    this.#slots = new Int32Array(2 * length);
    for (let name = parentName + 1; name < this.count; name++) this.#place(name);
  }
}

const fnvPrime = 0x01000193;

/** FNV leaves its upper bits better mixed than its lower ones. */
function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}
