// SPDX-License-Identifier: Apache-2.0

import { readSync } from "node:fs";
import type { ByteSource } from "../base/bytes.ts";
import { LadeError } from "../base/errors.ts";
import { readAheadOf } from "../content/sources.ts";
import type { Digest } from "../spec/digest.ts";
import type { Segment } from "./layout.ts";

/** Finds the open file of a blob. */
export type BlobFiles = (digest: Digest) => number;

/**
 * The bytes of an archive, put together from documents and blobs while they are read.
 *
 * @param onBlob told how much of a blob was read
 * @throws LadeError DIGEST_MISMATCH for a blob that is shorter than the archive's headers say, which
 *   would otherwise fill up with whatever follows
 */
export function segmentSource(
  segments: readonly Segment[],
  files: BlobFiles,
  onBlob?: (digest: Digest, done: number, size: number) => void,
): ByteSource {
  let index = 0;
  let done = 0;
  let askFor: ((offset: number) => void) | undefined;
  const aheadOf = (segment: { readonly digest: Digest; readonly size: number }) => {
    askFor ??= readAheadOf(files(segment.digest), { offset: 0, size: segment.size });
    return askFor;
  };
  return {
    read(target: Uint8Array): Promise<number> {
      let filled = 0;
      while (filled < target.length && index < segments.length) {
        const segment = segments[index] as Segment;
        const part = target.subarray(filled);
        const count =
          segment.type === "bytes"
            ? segment.bytes.copy(part, 0, done)
            : readBlob(segment, files(segment.digest), { part, done, askFor: aheadOf(segment) });
        filled += count;
        done += count;
        if (segment.type === "blob") onBlob?.(segment.digest, done, segment.size);
        if (done < sizeOf(segment)) break;
        index++;
        done = 0;
        askFor = undefined;
      }
      return Promise.resolve(filled);
    },
  };
}

function sizeOf(segment: Segment): number {
  return segment.type === "bytes" ? segment.bytes.length : segment.size;
}

function readBlob(
  segment: { readonly digest: Digest; readonly size: number },
  fd: number,
  at: {
    readonly part: Uint8Array;
    readonly done: number;
    readonly askFor: (offset: number) => void;
  },
): number {
  at.askFor(at.done);
  const size = Math.min(at.part.length, segment.size - at.done);
  const count = readSync(fd, at.part, 0, size, at.done);
  if (count > 0 || size === 0) return count;
  throw new LadeError(
    "DIGEST_MISMATCH",
    `blob ${segment.digest}: size mismatch: want ${segment.size} bytes, got ${at.done}`,
    { hint: "Load the image again: `lade load` replaces what is damaged." },
  );
}
