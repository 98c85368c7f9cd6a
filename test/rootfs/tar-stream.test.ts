// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { LadeError } from "../../src/base/errors.ts";
import { partSource, type TarPart } from "../../src/rootfs/tar-stream.ts";
import { readAll } from "./overlay-lab.ts";

const folder = fs.mkdtempSync(join(tmpdir(), "lade-stream-"));
after(() => fs.rmSync(folder, { recursive: true }));

/** Bytes that tell their own place. */
function sample(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4)
    bytes.writeUInt32LE((at * 2654435761 + seed) % 2 ** 32, at);
  return bytes;
}

const fileSize = 3_000_000;
const files = [1, 2].map((seed) => {
  const path = join(folder, String(seed));
  const bytes = sample(fileSize, seed);
  fs.writeFileSync(path, bytes);
  const fd = fs.openSync(path, "r");
  after(() => fs.closeSync(fd));
  return { bytes, kept: { fd, isKept: true }, other: { fd } };
});

const short = () => new LadeError("IO_FAILED", "short");

interface Piece {
  readonly kind: "bytes" | "zeros" | "next" | "jump";
  readonly size: number;
  readonly file: number;
  readonly offset: number;
  readonly isKept: boolean;
}

/**
 * Parts as a layer gives them: ranges that mostly follow each other with a gap that is as large as
 * the headers that come between.
 */
function partsOf(pieces: readonly Piece[]): { parts: TarPart[]; bytes: Buffer } {
  const parts: TarPart[] = [];
  const chunks: Buffer[] = [];
  let next = 0;
  for (const { kind, size, file, offset, isKept } of pieces) {
    if (kind === "bytes" || kind === "zeros") {
      const bytes = kind === "bytes" ? sample(size, 77) : Buffer.alloc(size);
      parts.push(kind === "bytes" ? { type: "bytes", bytes } : { type: "zeros", size });
      chunks.push(bytes);
      // What lies in the file there is something else.
      next += size;
      continue;
    }
    const source = files[file] as (typeof files)[0];
    const start = kind === "next" ? Math.min(next, fileSize - size) : offset;
    const open = isKept ? source.kept : source.other;
    parts.push({ type: "range", file: open, offset: start, size, onShort: short });
    chunks.push(source.bytes.subarray(start, start + size));
    next = start + size;
  }
  return { parts, bytes: Buffer.concat(chunks) };
}

const piece = fc.record({
  kind: fc.constantFrom("bytes", "zeros", "next", "next", "next", "jump"),
  size: fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 300_000 })),
  file: fc.constantFrom(0, 0, 0, 1),
  offset: fc.integer({ min: 0, max: 2_000_000 }),
  isKept: fc.constantFrom(true, true, false),
}) as fc.Arbitrary<Piece>;

describe("a tar that is put together from parts", () => {
  it("has their bytes, whatever is read ahead on trust", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 60 }),
        fc.constantFrom(1000, 65_536, 300_000, 2 * 1024 * 1024),
        async (pieces, chunkSize) => {
          const { parts, bytes } = partsOf(pieces);
          const read = await readAll(partSource(parts.values()), chunkSize);
          assert.ok(read.equals(bytes));
        },
      ),
      { numRuns: 200 },
    );
  });

  it("fails for a file that ends too early, also where it is read ahead", async () => {
    for (const isKept of [true, false]) {
      const file = isKept ? files[0]?.kept : files[0]?.other;
      const range = (offset: number, size: number) =>
        ({ type: "range", file, offset, size, onShort: short }) as TarPart;
      for (const parts of [
        [range(fileSize - 10, 20)],
        [range(fileSize - 200_000, 300_000)],
        [range(0, 100_000), range(100_000, fileSize)],
        [range(fileSize - 1000, 500), range(fileSize - 500, 500), range(fileSize, 1)],
      ]) {
        await assert.rejects(readAll(partSource(parts.values()), 2 ** 20), { message: "short" });
      }
    }
  });

  it("reads nothing past what is wanted at a file's end", async () => {
    const file = files[0]?.kept ?? assert.fail();
    const parts: TarPart[] = [];
    for (let at = fileSize - 100_000; at < fileSize; at += 1000) {
      parts.push({ type: "range", file, offset: at, size: 1000, onShort: short });
    }
    parts.push({ type: "zeros", size: 5000 });
    const read = await readAll(partSource(parts.values()), 2 ** 20);
    const wanted = Buffer.concat([
      files[0]?.bytes.subarray(fileSize - 100_000) ?? assert.fail(),
      Buffer.alloc(5000),
    ]);
    assert.ok(read.equals(wanted));
  });
});
