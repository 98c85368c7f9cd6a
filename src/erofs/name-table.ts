// SPDX-License-Identifier: Apache-2.0

import { type ByteString, toByteString } from "../tar/entry.ts";
import { doubled, grownBuffer, type NodeTable, nodeFields, ownBuffer } from "./node-table.ts";

/** The names `.` and `..`, which every folder holds and no folder is asked for. */
export const selfName = 0;
export const parentName = 1;

/** No node has the name: it was never given, or what it stood for was left out. */
export const noNode = -1;

/** Answers of `find`: the folder never had the name, which comes behind all others, or between. */
export const newLast = -1;
export const newBetween = -2;

/** What each word of a name's record is. */
const fields = {
  /** Where its bytes lie. */
  offset: 0,
  length: 1,
  /** What it stands for, plus one; 0 for nothing. */
  node: 2,
  /** The name that the same folder got before, plus one; 0 for none. */
  previous: 3,
  folder: 4,
  hash: 5,
} as const;
const stride = 6;

const firstCapacity = 2048;
const firstBytes = 64 * 1024;

/**
 * The names in all folders of a layer, found by folder and name.
 *
 * A name, once there, stays: removing what it stands for sets its node to `noNode`, and what comes
 * later under the same name takes it over. Names lie behind each other in one buffer, and a hash
 * table of numbers finds them, since strings and maps of strings would take five times the memory.
 * Most tars have their names in order, which tells a new name by the one before; so names are
 * entered into the hash table only when one has to be looked up.
 */
export class NameTable {
  count = 2;
  /** The bytes of all names. */
  bytes: Buffer = ownBuffer(firstBytes);
  readonly #nodes: NodeTable;
  #bytesUsed = 2;
  #words: Uint32Array = new Uint32Array(firstCapacity * stride);
  /** Names by hash, plus one; a power of two, at most half full. */
  #slots: Uint32Array = new Uint32Array(2 * firstCapacity);
  /** Names before this one are in the hash table. */
  #entered: number = parentName + 1;
  // So that nobody can make up names that all fall into one slot.
  readonly #seed = Math.floor(Math.random() * 2 ** 31);

  /** @param nodes where each folder keeps its newest name */
  constructor(nodes: NodeTable) {
    this.#nodes = nodes;
    this.bytes.write("..", 0, "latin1");
    this.#words[selfName * stride + fields.length] = 1;
    this.#words[parentName * stride + fields.length] = 2;
  }

  offset(name: number): number {
    return this.#words[name * stride + fields.offset] as number;
  }

  length(name: number): number {
    return this.#words[name * stride + fields.length] as number;
  }

  /** What the name stands for, or `noNode`. */
  node(name: number): number {
    return (this.#words[name * stride + fields.node] as number) - 1;
  }

  setNode(name: number, node: number): void {
    this.#words[name * stride + fields.node] = node + 1;
  }

  folder(name: number): number {
    return this.#words[name * stride + fields.folder] as number;
  }

  /** The name that the same folder got before, plus one; 0 for none. */
  previous(name: number): number {
    return this.#words[name * stride + fields.previous] as number;
  }

  /** The name `path.slice(start, end)` in a folder; `newLast` or `newBetween` where it has none. */
  find(folder: number, path: ByteString, start: number, end: number): number {
    const newest = this.#nodes.field(folder, nodeFields.detail);
    if (newest === 0) return newLast;
    const isOrdered = this.#nodes.field(folder, nodeFields.sizeLow) === 0;
    if (isOrdered && this.#compareTo(path, start, end, newest - 1) > 0) return newLast;
    return this.#lookUp(folder, path, start, end);
  }

  /**
   * Adds a name that a folder does not have.
   *
   * @param found what `find` said of it
   */
  add(
    folder: number,
    path: ByteString,
    { start, end, found }: { readonly start: number; readonly end: number; readonly found: number },
  ): number {
    const nodes = this.#nodes;
    if (found === newBetween) nodes.setField(folder, nodeFields.sizeLow, 1);
    const name = this.count++;
    const record = name * stride;
    if (record === this.#words.length) this.#words = doubled(this.#words);
    const words = this.#words;
    words[record + fields.offset] = this.#bytesUsed;
    words[record + fields.length] = end - start;
    words[record + fields.previous] = nodes.field(folder, nodeFields.detail);
    words[record + fields.folder] = folder;
    nodes.setField(folder, nodeFields.detail, name + 1);
    this.#reserve(end - start);
    const { bytes } = this;
    let at = this.#bytesUsed;
    for (let index = start; index < end; index++) bytes[at++] = path.charCodeAt(index);
    this.#bytesUsed = at;
    return name;
  }

  /** Positive where `path.slice(start, end)` comes after the name, by their bytes. */
  #compareTo(path: ByteString, start: number, end: number, name: number): number {
    const { bytes } = this;
    const record = name * stride;
    let at = this.#words[record + fields.offset] as number;
    const length = this.#words[record + fields.length] as number;
    const stop = Math.min(end, start + length);
    for (let index = start; index < stop; index++) {
      const difference = path.charCodeAt(index) - (bytes[at++] as number);
      if (difference !== 0) return difference;
    }
    return end - start - length;
  }

  #lookUp(folder: number, path: ByteString, start: number, end: number): number {
    this.#enterAll();
    let hash = this.#firstHash(folder);
    for (let index = start; index < end; index++) {
      hash = Math.imul(hash ^ path.charCodeAt(index), fnvPrime);
    }
    hash >>>= 0;
    const words = this.#words;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = spread(hash) & mask; ; slot = (slot + 1) & mask) {
      const name = (slots[slot] as number) - 1;
      if (name < 0) return newBetween;
      const record = name * stride;
      const isLike =
        words[record + fields.hash] === hash && words[record + fields.folder] === folder;
      if (isLike && this.#compareTo(path, start, end, name) === 0) return name;
    }
  }

  #firstHash(folder: number): number {
    return Math.imul(folder ^ this.#seed, fnvPrime);
  }

  /** Enters the names that came since the last time. */
  #enterAll(): void {
    while (this.#slots.length < 2 * this.count) {
      this.#slots = new Uint32Array(2 * this.#slots.length);
      this.#entered = parentName + 1;
    }
    const { bytes } = this;
    const words = this.#words;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let name = this.#entered; name < this.count; name++) {
      const record = name * stride;
      let hash = this.#firstHash(words[record + fields.folder] as number);
      let at = words[record + fields.offset] as number;
      const end = at + (words[record + fields.length] as number);
      for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), fnvPrime);
      hash >>>= 0;
      words[record + fields.hash] = hash;
      let slot = spread(hash) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = name + 1;
    }
    this.#entered = this.count;
  }

  /** Negative, 0 or positive, by the bytes of both names. */
  compare(a: number, b: number): number {
    const startA = this.offset(a);
    const startB = this.offset(b);
    return this.bytes.compare(
      this.bytes,
      startB,
      startB + this.length(b),
      startA,
      startA + this.length(a),
    );
  }

  text(name: number): ByteString {
    const start = this.offset(name);
    return toByteString(this.bytes, start, start + this.length(name));
  }

  /** Gives back what only `find` needs. */
  release(): void {
    this.#slots = new Uint32Array(1);
    this.#entered = parentName + 1;
  }

  #reserve(size: number): void {
    const needed = this.#bytesUsed + size;
    if (needed <= this.bytes.length) return;
    this.bytes = grownBuffer(this.bytes, needed);
  }
}

const fnvPrime = 0x01000193;

/** FNV leaves its upper bits better mixed than its lower ones. */
function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}
