// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import type { ByteSource } from "../base/bytes.ts";
import type { Digest } from "../spec/digest.ts";
import { close } from "./file-calls.ts";
import { type CopyOptions, copyToFile, namedFile } from "./file-writer.ts";

export interface WrittenBlob {
  readonly digest: Digest;
  readonly size: number;
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
  options: CopyOptions = {},
): Promise<WrittenBlob> {
  const hash = createHash("sha256");
  const copied = await copyToFile(source, namedFile(path, 0o444), {
    ...options,
    onChunk(chunk) {
      hash.update(chunk);
      options.onChunk?.(chunk);
    },
  });
  await close(copied.fd);
  return { digest: `sha256:${hash.digest("hex")}`, size: copied.size };
}
