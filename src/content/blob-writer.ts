// SPDX-License-Identifier: Apache-2.0

import { type ByteSource, readFully } from "../base/bytes.ts";
import type { Digest } from "../spec/digest.ts";
import { alignedBuffers } from "./aligned-buffers.ts";
import { close } from "./file-calls.ts";
import { type CopyOptions, copyToFile, namedFile } from "./file-writer.ts";
import { createHasher, type Hasher } from "./hasher.ts";

export interface WrittenBlob {
  readonly digest: Digest;
  readonly size: number;
}

export interface BlobOptions extends Omit<CopyOptions, "onChunk"> {
  /** Sees every byte in order, before it is written. */
  readonly onChunk?: ((chunk: Buffer) => void) | undefined;
  /** What works out the digest; this thread where undefined. */
  readonly hasher?: Hasher | undefined;
}

/**
 * Writes a new file from a source, hashing on the way, and syncs it to disk.
 *
 * @param path must not exist
 * @returns what was written, after fdatasync
 */
export async function writeBlob(
  source: ByteSource,
  path: string,
  options: BlobOptions = {},
): Promise<WrittenBlob> {
  const hasher = options.hasher ?? createHasher();
  const copied = await copyToFile(source, namedFile(path, 0o444), {
    ...options,
    onChunk(chunk) {
      const hashed = hasher.update(chunk);
      options.onChunk?.(chunk);
      return hashed;
    },
  });
  await close(copied.fd);
  return { digest: await hasher.digest(), size: copied.size };
}

const readSize = 2 * 1024 * 1024;

/** Reads a source to its end and works out its digest, without writing it anywhere. */
export async function hashBlob(
  source: ByteSource,
  options: BlobOptions = {},
): Promise<WrittenBlob> {
  const hasher = options.hasher ?? createHasher();
  const [buffer = Buffer.alloc(0)] = alignedBuffers(1, readSize);
  let size = 0;
  for (;;) {
    const count = await readFully(source, buffer);
    options.signal?.throwIfAborted();
    const chunk = buffer.subarray(0, count);
    const hashed = hasher.update(chunk);
    options.onChunk?.(chunk);
    await hashed;
    size += count;
    options.onProgress?.(size);
    if (count < readSize) return { digest: await hasher.digest(), size };
  }
}
