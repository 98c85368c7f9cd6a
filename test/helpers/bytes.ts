// SPDX-License-Identifier: Apache-2.0

import { createCipheriv, createHash } from "node:crypto";
import { type ByteSource, bytesSource } from "../../src/base/bytes.ts";

/** Bytes that look random and are the same each time; no two blocks of them are alike. */
export function noise(size: number, seed = "noise"): Buffer {
  const key = createHash("sha256").update(seed).digest().subarray(0, 16);
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** A source that gives its bytes in pieces of these sizes, again and again. */
export function piecewise(bytes: Uint8Array, sizes: readonly number[]): ByteSource {
  const source = bytesSource(bytes);
  let turn = 0;
  return {
    async read(target: Uint8Array): Promise<number> {
      const size = sizes[turn++ % sizes.length] ?? target.length;
      // Later than the next tick, as from a pipe.
      await new Promise((resolve) => setImmediate(resolve));
      return source.read(target.subarray(0, size));
    },
  };
}

/** A source that fails once it has given some bytes. */
export function failing(bytes: Uint8Array, error: Error): ByteSource {
  const source = bytesSource(bytes);
  return {
    async read(target: Uint8Array): Promise<number> {
      const count = await source.read(target);
      if (count === 0) throw error;
      return count;
    },
  };
}

/** Everything that a source gives, read in pieces of this size. */
export async function readAll(source: ByteSource, pieceSize = 65_536): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = Buffer.alloc(pieceSize);
    const count = await source.read(piece);
    if (count === 0) return Buffer.concat(pieces);
    pieces.push(piece.subarray(0, count));
  }
}
