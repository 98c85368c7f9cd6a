// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { quoteExcerpt } from "./go-quote.ts";

/** A SHA-256 digest in the form of image-spec: `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

const PREFIX_LENGTH = "sha256:".length;
const SHORT_ID_LENGTH = 12;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** True only for a whole, well-formed SHA-256 digest. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/**
 * Takes a digest from outside.
 *
 * Digests become file names in the store, so nothing but the exact form passes (CVE-2024-3727).
 *
 * @param place what the text was read from; comes first in the error
 * @throws LadeError DIGEST_INVALID
 */
export function parseDigest(text: string, place: string): Digest {
  if (isDigest(text)) return text;
  throw new LadeError(
    "DIGEST_INVALID",
    `${place}: expected "sha256:" and 64 lower-case hexadecimal digits, got ${quoteExcerpt(text)}`,
  );
}

/** The 64 hexadecimal digits. */
export function digestHex(digest: Digest): string {
  return digest.slice(PREFIX_LENGTH);
}

/** The first 12 hexadecimal digits: what tables show as an image ID. */
export function shortId(digest: Digest): string {
  return digest.slice(PREFIX_LENGTH, PREFIX_LENGTH + SHORT_ID_LENGTH);
}

/** The digest of the given bytes (a text counts as UTF-8). */
export function digestOf(bytes: Uint8Array | string): Digest {
  // Loaded on demand: it takes longer than all that a command such as `images` does.
  const { hash } = process.getBuiltinModule("node:crypto");
  return `sha256:${hash("sha256", bytes)}`;
}

/**
 * The chain ID of every layer, lowest first (image-spec, config.md, "Layer ChainID").
 *
 * The last one names the whole root file system.
 */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
