// SPDX-License-Identifier: Apache-2.0

/** Types of files as `st_mode` has them, in its upper four bits. @see <sys/stat.h> */
export const modeTypes = {
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
} as const;

const permissionBits = 0o10000;

/** The type of a `st_mode`, one of `modeTypes`. */
export function typeOfMode(mode: number): number {
  return mode - (mode % permissionBits);
}

/** The same numbers with room for twice as many. */
export function doubled(array: Uint32Array): Uint32Array {
  const grown = new Uint32Array(array.length * 2);
  grown.set(array);
  return grown;
}

/** A number in two words: the lower one, and the upper one, which is negative with the number. */
export const two32: number = 2 ** 32;

/** What each word of a node's record is. */
export const nodeFields = {
  /** Type and permissions. */
  mode: 0,
  uid: 1,
  gid: 2,
  mtimeLow: 3,
  mtimeHigh: 4,
  mtimeNanoseconds: 5,
  /** Bytes of a file or of a symlink's target; of a folder 1 once its names came out of order. */
  sizeLow: 6,
  sizeHigh: 7,
  /**
   * Of a file the block of the tar where its data starts; of a symlink where its target lies among
   * the names; of a folder its newest name plus one; of a device its number as the kernel has it.
   */
  place: 8,
  /** Place in the list of xattrs plus one; 0 for none. */
  xattrs: 9,
} as const;

/** Words of a record. */
export const nodeStride = 10;

const firstCapacity = 2048;

/**
 * The inodes of a layer: files, folders and the rest, without their names.
 *
 * One array of numbers and no object for each node, since a layer may have millions.
 */
export class NodeTable {
  count = 0;
  words: Uint32Array = new Uint32Array(firstCapacity * nodeStride);

  /** Adds a node with this mode; everything else is 0. */
  add(mode: number): number {
    const at = this.count * nodeStride;
    if (at === this.words.length) this.words = doubled(this.words);
    this.words[at] = mode;
    return this.count++;
  }

  mode(node: number): number {
    return this.words[node * nodeStride + nodeFields.mode] as number;
  }

  type(node: number): number {
    return typeOfMode(this.mode(node));
  }

  size(node: number): number {
    const at = node * nodeStride;
    const high = this.words[at + nodeFields.sizeHigh] as number;
    return high * two32 + (this.words[at + nodeFields.sizeLow] as number);
  }

  setSize(node: number, size: number): void {
    const at = node * nodeStride;
    const low = size % two32;
    this.words[at + nodeFields.sizeLow] = low;
    this.words[at + nodeFields.sizeHigh] = (size - low) / two32;
  }

  place(node: number): number {
    return this.words[node * nodeStride + nodeFields.place] as number;
  }

  setPlace(node: number, place: number): void {
    this.words[node * nodeStride + nodeFields.place] = place;
  }

  /** True while each name of a folder came after the one before, by its bytes. */
  isOrdered(folder: number): boolean {
    return this.words[folder * nodeStride + nodeFields.sizeLow] === 0;
  }

  setUnordered(folder: number): void {
    this.words[folder * nodeStride + nodeFields.sizeLow] = 1;
  }

  xattrs(node: number): number {
    return this.words[node * nodeStride + nodeFields.xattrs] as number;
  }

  setXattrs(node: number, list: number): void {
    this.words[node * nodeStride + nodeFields.xattrs] = list;
  }

  isDirectory(node: number): boolean {
    return this.type(node) === modeTypes.directory;
  }

  isSymlink(node: number): boolean {
    return this.type(node) === modeTypes.symlink;
  }
}
