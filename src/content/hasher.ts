// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import type { Digest } from "../spec/digest.ts";

/** A SHA-256 over chunks in their order. */
export interface Hasher {
  /** @returns when the chunk's memory may be used again; undefined where that is at once */
  update(chunk: Buffer): Promise<void> | undefined;
  digest(): Promise<Digest>;
}

/** Hashes in this thread. */
export function createHasher(): Hasher {
  const hash = createHash("sha256");
  return {
    update(chunk) {
      hash.update(chunk);
      return undefined;
    },
    digest: async (): Promise<Digest> => `sha256:${hash.digest("hex")}`,
  };
}
