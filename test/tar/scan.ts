// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ErrorCode, isLadeError } from "../../src/base/errors.ts";
import type { TarEntry } from "../../src/tar/entry.ts";
import { TarScanner, type TarScannerOptions } from "../../src/tar/scanner.ts";

type ScanOptions = Partial<Omit<TarScannerOptions, "onEntry">>;

/** The members of a tar that is pushed in pieces of these sizes; the rest comes as one piece. */
export function scanInPieces(
  bytes: Buffer,
  sizes: readonly number[],
  options: ScanOptions = {},
): TarEntry[] {
  const entries: TarEntry[] = [];
  const scanner = new TarScanner({
    name: "test.tar",
    ...options,
    onEntry: (entry) => entries.push(entry),
  });
  let offset = 0;
  for (const size of [...sizes, bytes.length]) {
    // A copy: the scanner must not keep what it was lent.
    const piece = Buffer.from(bytes.subarray(offset, offset + size));
    scanner.push(piece);
    piece.fill(0xff);
    offset += piece.length;
  }
  scanner.end();
  return entries;
}

/** The members of a tar that is pushed as one piece. */
export function scan(bytes: Buffer, options: ScanOptions = {}): TarEntry[] {
  return scanInPieces(bytes, [], options);
}

/** The only member of a tar. */
export function scanOne(bytes: Buffer): TarEntry {
  const [entry, ...more] = scan(bytes);
  assert.equal(more.length, 0);
  assert.ok(entry !== undefined);
  return entry;
}

/** Asserts that work fails with this code and a message that says where and what. */
export function assertRefused(work: () => unknown, code: ErrorCode, text?: RegExp): void {
  assert.throws(work, (error: unknown) => {
    assert.ok(isLadeError(error), String(error));
    assert.equal(error.code, code, error.message);
    if (text !== undefined) assert.match(error.message, text);
    return true;
  });
}
