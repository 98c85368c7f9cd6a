// SPDX-License-Identifier: Apache-2.0

/** Something that gives bytes in order. */
export interface ByteSource {
  /**
   * Fills the front of `target`.
   *
   * @returns how many bytes were written, at least 1; 0 only at the end
   */
  read(target: Uint8Array): Promise<number>;
}

/**
 * Takes bytes in order.
 *
 * @returns when their memory may be used again
 */
export type ByteWriter = (bytes: Uint8Array) => Promise<void>;

/** The smallest multiple of `unit` that is not below `value`. */
export function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/**
 * Reads until `target` is full or the source ends.
 *
 * @returns the bytes read; fewer than `target.length` only at the end of the source
 */
export async function readFully(source: ByteSource, target: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < target.length) {
    const count = await source.read(filled === 0 ? target : target.subarray(filled));
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** A source over bytes in memory. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  let offset = 0;
  return {
    read(target: Uint8Array): Promise<number> {
      const part = bytes.subarray(offset, offset + target.length);
      target.set(part);
      offset += part.length;
      return Promise.resolve(part.length);
    },
  };
}
