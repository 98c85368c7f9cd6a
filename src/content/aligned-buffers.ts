// SPDX-License-Identifier: Apache-2.0

// Part of every JavaScript engine, but typed only in TypeScript's library for browsers.
declare const WebAssembly: {
  Memory: new (descriptor: {
    initial: number;
    maximum: number;
    shared: true;
  }) => {
    buffer: SharedArrayBuffer;
  };
};

/** Every file system's block divides this, so O_DIRECT takes such offsets and lengths. */
export const directUnit = 4096;

/**
 * Makes buffers that start at a page, in memory that other threads can share.
 *
 * O_DIRECT needs page-aligned memory, which Node's own buffers don't promise; the memory of a
 * WebAssembly instance is mapped in pages of 64 KiB.
 *
 * @param size bytes of each, a multiple of 64 KiB
 */
export function alignedBuffers(count: number, size: number): Buffer[] {
  const wasmPage = 65_536;
  if (size % wasmPage !== 0) throw new Error(`buffer of ${size} bytes is no multiple of 64 KiB`);
  const pages = (count * size) / wasmPage;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return Array.from({ length: count }, (_, index) =>
    Buffer.from(memory.buffer, index * size, size),
  );
}
