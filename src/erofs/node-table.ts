// SPDX-License-Identifier: Apache-2.0

import type { ByteString } from "../tar/entry.ts";

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

/** The same numbers with room for twice as many; the old array's memory is gone at once. */
export function doubled(array: Uint32Array): Uint32Array {
  const grown = new Uint32Array(array.length * 2);
  grown.set(array);
  letGo(array);
  return grown;
}

/** Frees memory that would else wait for garbage to be collected. */
function letGo({ buffer }: Uint8Array | Uint32Array): void {
  (buffer as ArrayBuffer).transfer(0);
}

/** A buffer of its own memory, for `grownBuffer`. */
export function ownBuffer(size: number): Buffer {
  return Buffer.from(new ArrayBuffer(size));
}

/** The same bytes with room for more; the old buffer's memory is gone at once. */
export function grownBuffer(buffer: Buffer, size: number): Buffer {
  const grown = ownBuffer(Math.max(buffer.length * 2, size));
  grown.set(buffer);
  letGo(buffer);
  return grown;
}

/** Numbers of two words: what their upper one counts. */
export const two32: number = 2 ** 32;

/**
 * What each word of a node's record is: that of an EROFS inode, so that writing an image is mostly
 * copying. @see linux, fs/erofs/erofs_fs.h, `struct erofs_inode_extended`
 */
export const nodeFields = {
  /** How its data lies, one of `nodeFormats`; the size of xattrs in the upper half. */
  format: 0,
  /** Type and permissions. */
  mode: 1,
  /** Bytes of a file or of a symlink's target; of a folder 1 once its names came out of order. */
  sizeLow: 2,
  sizeHigh: 3,
  /**
   * Of a file how it is cut into chunks; of a device its number as the kernel has it; of a symlink
   * where its target lies among the tree's targets; of a folder its newest name plus one.
   */
  detail: 4,
  /** Its own number plus one. */
  number: 5,
  uid: 6,
  gid: 7,
  mtimeLow: 8,
  mtimeHigh: 9,
  mtimeNanoseconds: 10,
  /** How many names it has; of a folder 0 where no name leads to it. */
  links: 11,
  /** What lies behind the inode: the chunk of a file, the target of a symlink where it fits. */
  data: 16,
  /** Of a file: the block of the tar where its data starts. */
  block: 17,
  /** Of a folder: the folder that it lies in. */
  parent: 16,
} as const;

/** How a node's data lies, and that its inode has the long form. */
export const nodeFormats = { plain: 0 * 2 + 1, inline: 2 * 2 + 1, chunks: 4 * 2 + 1 } as const;

/** Words of a record: an inode and 32 bytes behind it. */
export const nodeStride = 24;
/** Bytes of a symlink's target that its record has room for. */
export const inlineTargetMax: number = (nodeStride - nodeFields.data) * 4;

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
    this.words[at + nodeFields.format] = nodeFormats.plain;
    this.words[at + nodeFields.mode] = mode;
    this.words[at + nodeFields.number] = ++this.count;
    return this.count - 1;
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
    // What is too much for a word is cut off from above.
    this.words[at + nodeFields.sizeLow] = size;
    this.words[at + nodeFields.sizeHigh] = Math.floor(size / two32);
  }

  field(node: number, field: number): number {
    return this.words[node * nodeStride + field] as number;
  }

  setField(node: number, field: number, value: number): void {
    this.words[node * nodeStride + field] = value;
  }

  /** Puts a text into the room behind the inode. */
  setText(node: number, text: ByteString): void {
    const start = (node * nodeStride + nodeFields.data) * 4;
    Buffer.from(this.words.buffer, start, inlineTargetMax).write(text, "latin1");
  }

  isDirectory(node: number): boolean {
    return this.type(node) === modeTypes.directory;
  }

  isSymlink(node: number): boolean {
    return this.type(node) === modeTypes.symlink;
  }
}
