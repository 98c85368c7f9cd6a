// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { type ByteSource, bytesSource } from "../../src/base/bytes.ts";
import { isLadeError } from "../../src/base/errors.ts";
import { type Compression, decompress, sniffCompression } from "../../src/content/compression.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { compressed, xzStored, zstdStored } from "../fixtures/compress.ts";
import { runTool } from "../fixtures/outside-tools.ts";
import { failing, noise, piecewise, readAll } from "../helpers/bytes.ts";
import { systemError } from "../helpers/system-calls.ts";

type Packing = Exclude<Compression, "none">;
const kinds: readonly Packing[] = ["gzip", "zstd", "xz", "bzip2"];

/** Text that packs well, noise that does not, and zeros. */
const content = Buffer.concat([
  Buffer.alloc(100_000, "some text that comes again and again, "),
  noise(250_000),
  Buffer.alloc(150_000),
]);

function unpacked(bytes: Uint8Array, kind: Compression): Promise<Buffer> {
  return readAll(decompress(bytesSource(bytes), kind, "the layer"));
}

async function assertCorrupt(bytes: Uint8Array, kind: Packing, about: string): Promise<void> {
  await assert.rejects(
    unpacked(bytes, kind),
    (error: unknown) => {
      assert.ok(isLadeError(error, "COMPRESSION_CORRUPT"), `${about}: ${String(error)}`);
      assert.match(error.message, /^the layer: (?:unexpected EOF|corrupt compressed data)/);
      return true;
    },
    about,
  );
}

/** Packed by the program itself. */
function byProgram(kind: Packing, bytes: Uint8Array, flags: readonly string[] = []): Buffer {
  const { status, stdout, stderr } = runTool(kind, ["-c", ...flags], bytes);
  assert.equal(status, 0, stderr);
  return stdout;
}

describe("sniffCompression", () => {
  it("tells by the first bytes", () => {
    for (const kind of kinds) {
      assert.equal(sniffCompression(compressed(Buffer.from("x"), kind)), kind);
      assert.equal(sniffCompression(byProgram(kind, Buffer.from("x"))), kind);
    }
    const skippable = (first: number) => Buffer.from([first, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
    for (let first = 0; first < 256; first++) {
      const want = first >= 0x50 && first <= 0x5f ? "zstd" : "none";
      assert.equal(sniffCompression(skippable(first)), want);
    }
    for (const text of ["", "\x1f", "BZ", "\xfd7zXZ", "(\xb5/", "PK\x03\x04", "manifest.json"]) {
      assert.equal(sniffCompression(Buffer.from(text, "latin1")), "none");
    }
  });
});

describe("decompress", () => {
  it("leaves what is not compressed", async () => {
    assert.ok((await unpacked(content, "none")).equals(content));
  });

  for (const kind of kinds) {
    it(`gives what ${kind} packed, in any pieces`, async () => {
      for (const size of [0, 1, 65_536, content.length]) {
        const bytes = content.subarray(0, size);
        for (const packed of [compressed(bytes, kind), byProgram(kind, bytes)]) {
          assert.equal(digestOf(await unpacked(packed, kind)), digestOf(bytes), `${size} bytes`);
        }
      }
      // More than one of bzip2's blocks.
      const large = Buffer.concat([content, content, content]);
      const packed = byProgram(kind, large);
      for (const pieces of [[1, 3, 70_000], [1_000_000]]) {
        const source = decompress(piecewise(packed, pieces), kind, "the layer");
        assert.equal(digestOf(await readAll(source, 10_007)), digestOf(large));
      }
    });

    it(`refuses what ${kind} packed and somebody cut`, async () => {
      for (const packed of [compressed(content, kind), byProgram(kind, content)]) {
        const cuts = [1, 4, 8, 12, 100, Math.floor(packed.length / 2), packed.length - 20];
        for (const missing of cuts) {
          const cut = packed.subarray(0, packed.length - missing);
          await assertCorrupt(cut, kind, `${missing} of ${packed.length} bytes missing`);
        }
      }
    });

    it(`never gives other bytes than ${kind} packed`, async () => {
      const bytes = content.subarray(90_000, 130_000);
      const packed = compressed(bytes, kind);
      let refused = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(fc.nat({ max: packed.length - 1 }), fc.nat({ max: 40 })),
          fc.integer({ min: 1, max: 255 }),
          async (offset, change) => {
            const damaged = Buffer.from(packed);
            damaged[offset] = ((damaged[offset] as number) + change) % 256;
            try {
              // A time or a name in gzip's header says nothing about the content.
              assert.equal(digestOf(await unpacked(damaged, kind)), digestOf(bytes));
            } catch (error) {
              assert.ok(isLadeError(error, "COMPRESSION_CORRUPT"), String(error));
              refused++;
            }
          },
        ),
        { numRuns: 60 },
      );
      assert.ok(refused > 30);
    });

    it(`passes on what is wrong with the source of ${kind}`, async () => {
      const packed = byProgram(kind, content);
      const source = failing(packed.subarray(0, 100_000), systemError("EIO"));
      await assert.rejects(readAll(decompress(source, kind, "the layer")), { code: "EIO" });
    });
  }

  it("reads gzip of several members, as pigz and stargz write it", async () => {
    const parts = [content.subarray(0, 5), Buffer.alloc(0), content.subarray(5)];
    const packed = Buffer.concat(parts.map((part) => gzipSync(part)));
    for (const pieces of [[1_000_000], [17, 4099]]) {
      const source = decompress(piecewise(packed, pieces), "gzip", "the layer");
      assert.equal(digestOf(await readAll(source)), digestOf(content));
    }
    await assertCorrupt(packed.subarray(0, packed.length - 9), "gzip", "the last member is cut");
  });

  it("reads zstd of several frames, some of which say nothing", async () => {
    const skippable = Buffer.concat([
      Buffer.from([0x5d, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]),
      Buffer.from("notes"),
    ]);
    const frame = (part: Uint8Array) => zstdCompressSync(part);
    const packed = Buffer.concat([
      skippable,
      frame(content.subarray(0, 5)),
      skippable,
      frame(content.subarray(5, 5)),
      frame(content.subarray(5)),
      skippable,
    ]);
    for (const pieces of [[1_000_000], [17, 4099]]) {
      const source = decompress(piecewise(packed, pieces), "zstd", "the layer");
      assert.equal(digestOf(await readAll(source)), digestOf(content));
    }
  });

  it("reads xz of several streams, with zeros between, and of several blocks", async () => {
    const parts = [content.subarray(0, 5), content.subarray(5)];
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = parts.map((part) =>
      byProgram("xz", part),
    );
    const blocks = byProgram("xz", content, ["--block-size=100000", "-T2"]);
    for (const packed of [
      Buffer.concat([first, second]),
      Buffer.concat([first, Buffer.alloc(8), second, Buffer.alloc(4)]),
      blocks,
    ]) {
      assert.equal(digestOf(await unpacked(packed, "xz")), digestOf(content));
    }
  });

  it("reads bzip2 of several streams, as pbzip2 writes it", async () => {
    const parts = [content.subarray(0, 5), content.subarray(5, 300_000), content.subarray(300_000)];
    const packed = Buffer.concat(parts.map((part) => byProgram("bzip2", part)));
    for (const pieces of [[1_000_000], [17, 4099]]) {
      const source = decompress(piecewise(packed, pieces), "bzip2", "the layer");
      assert.equal(digestOf(await readAll(source)), digestOf(content));
    }
  });

  it("takes zeros behind the end, as tapes leave them", async () => {
    for (const kind of ["gzip", "xz"] as const) {
      const packed = Buffer.concat([byProgram(kind, content), Buffer.alloc(10_240)]);
      assert.equal(digestOf(await unpacked(packed, kind)), digestOf(content), kind);
    }
  });

  it("refuses what would take gigabytes of memory", async () => {
    assert.equal((await unpacked(zstdStored(Buffer.from("x"), 27), "zstd")).length, 1);
    for (const log of [28, 31]) {
      await assertCorrupt(zstdStored(Buffer.from("x"), log), "zstd", `a window of 2^${log}`);
    }
    await assertCorrupt(xzStored(content, 40), "xz", "a dictionary of 4 GiB");
  });

  it("reads no more of its source than it has to, before it is asked", async () => {
    let reads = 0;
    const source: ByteSource = {
      read(target) {
        reads++;
        return bytesSource(gzipSync("x")).read(target);
      },
    };
    decompress(source, "gzip", "the layer");
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(reads, 0);
  });
});
