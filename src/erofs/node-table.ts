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

type TypedArray = Float64Array | Int32Array | Uint32Array | Uint16Array;

/** The same array with room for more. */
export function grow<T extends TypedArray>(
  array: T,
  make: (length: number) => T,
  length: number,
): T {
  const grown = make(length);
  grown.set(array);
  return grown;
}

const firstCapacity = 1024;

/**
 * The inodes of a layer: files, folders and the rest, without their names.
 *
 * One array for each field and no object for each node, since a layer may have millions.
 */
export class NodeTable {
  count = 0;
  #capacity = firstCapacity;
  /** Type and permissions. */
  mode: Uint16Array = new Uint16Array(firstCapacity);
  uid: Uint32Array = new Uint32Array(firstCapacity);
  gid: Uint32Array = new Uint32Array(firstCapacity);
  mtimeSeconds: Float64Array = new Float64Array(firstCapacity);
  mtimeNanoseconds: Uint32Array = new Uint32Array(firstCapacity);
  /** Bytes of a file or of a symlink's target; 0 for all others. */
  size: Float64Array = new Float64Array(firstCapacity);
  /** Where a file's data starts in the tar, or a symlink's target among the names. */
  offset: Float64Array = new Float64Array(firstCapacity);
  /** Device number as the kernel stores it; for a folder its newest entry, or -1. */
  detail: Int32Array = new Int32Array(firstCapacity);
  /** Place in the list of xattrs plus one; 0 for none. */
  xattrs: Uint32Array = new Uint32Array(firstCapacity);

  /** Adds a node with this mode; everything else is 0. */
  add(mode: number): number {
    if (this.count === this.#capacity) this.#grow();
    this.mode[this.count] = mode;
    return this.count++;
  }

  isDirectory(node: number): boolean {
    return typeOfMode(this.mode[node] as number) === modeTypes.directory;
  }

  isSymlink(node: number): boolean {
    return typeOfMode(this.mode[node] as number) === modeTypes.symlink;
  }

  #grow(): void {
    const length = this.#capacity * 2;
    const uint32 = (size: number) => new Uint32Array(size);
    const float64 = (size: number) => new Float64Array(size);
    this.mode = grow(this.mode, (size) => new Uint16Array(size), length);
    this.uid = grow(this.uid, uint32, length);
    this.gid = grow(this.gid, uint32, length);
    this.mtimeSeconds = grow(this.mtimeSeconds, float64, length);
    this.mtimeNanoseconds = grow(this.mtimeNanoseconds, uint32, length);
    this.size = grow(this.size, float64, length);
    this.offset = grow(this.offset, float64, length);
    this.detail = grow(this.detail, (size) => new Int32Array(size), length);
    this.xattrs = grow(this.xattrs, uint32, length);
    this.#capacity = length;
  }
}
