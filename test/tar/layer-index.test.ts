// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLadeError } from "../../src/base/errors.ts";
import type { TarEntry } from "../../src/tar/entry.ts";
import { type LayerIndex, LayerIndexer, readLayerIndex } from "../../src/tar/layer-index.ts";
import { layerPath } from "../../src/tar/layer-path.ts";
import { appLayer, baseLayer, dir, file, hardLink, symlink } from "../fixtures/sample-image.ts";
import { type TarEntry as NewEntry, tar } from "../fixtures/tar-builder.ts";
import { sampleChunks, sparseMember } from "../fixtures/tar-sparse.ts";
import { archiveParts } from "./arbitrary.ts";
import { assertRefused, scan } from "./scan.ts";

function indexOf(bytes: Buffer, chunkSize: number = bytes.length || 1): LayerIndex {
  const indexer = new LayerIndexer("layer");
  for (let at = 0; at < bytes.length; at += chunkSize) {
    indexer.push(bytes.subarray(at, at + chunkSize));
  }
  return indexer.finish();
}

/** What the scanner says, with the path that the index keeps. */
function wantedOf(bytes: Buffer): TarEntry[] {
  return scan(bytes).map((entry) => {
    const isLink = entry.type === "hardlink" || entry.type === "symlink";
    const isDevice = entry.type === "character" || entry.type === "block";
    return {
      ...entry,
      path: layerPath(entry.path, () => "layer"),
      linkPath: isLink ? entry.linkPath : "",
      deviceMajor: isDevice ? entry.deviceMajor : 0,
      deviceMinor: isDevice ? entry.deviceMinor : 0,
    };
  });
}

function assertSame(bytes: Buffer): void {
  const index = indexOf(bytes);
  const wanted = wantedOf(bytes);
  assert.deepEqual([...readLayerIndex(index.bytes)], wanted);
  assert.equal(index.entries, wanted.length);
}

describe("a layer's index", () => {
  it("gives back what the scanner found", () => {
    for (const layer of [baseLayer(), appLayer()]) assertSame(layer.tar);
    const sparse = { name: "disk", realSize: 2 ** 40, chunks: sampleChunks() };
    assertSame(tar([sparseMember({ ...sparse, form: "pax-1.0" }), file("after", "after")]));
    assertSame(tar([]));
    assertSame(Buffer.alloc(0));
    fc.assert(
      fc.property(archiveParts, (parts) => assertSame(tar(parts))),
      { numRuns: 300 },
    );
  });

  it("is the same from any pieces", () => {
    const { tar: bytes } = baseLayer();
    const whole = indexOf(bytes).bytes;
    for (const size of [1, 100, 512, 1000]) assert.ok(indexOf(bytes, size).bytes.equals(whole));
  });

  it("grows past its first buffer", () => {
    const entries: NewEntry[] = Array.from({ length: 3000 }, (_, index) =>
      file(`${"folder/".repeat(index % 30)}${index * 7919}`, "", {
        longNames: "pax",
        pax: { "SCHILY.xattr.user.x": "v".repeat(index % 200) },
      }),
    );
    const bytes = tar(entries);
    assert.ok(indexOf(bytes).bytes.length > 3 * 64 * 1024);
    assertSame(bytes);
  });

  it("keeps an xattr of any size beside a long path", () => {
    const value = "x".repeat(900_000);
    assertSame(tar([file("n".repeat(4000), "", { longNames: "pax", pax: {} }), big(value)]));
  });

  const big = (value: string): NewEntry =>
    file("big", "", { pax: { "SCHILY.xattr.user.big": value } });

  it("counts content as Docker does", () => {
    const bytes = tar([
      dir("d/"),
      file("d/a", "12345"),
      file("d/b", "123"),
      hardLink("d/c", "d/a"),
      symlink("d/s", "1234567"),
      sparseMember({ name: "d/hole", realSize: 1000, chunks: [], form: "pax-1.0" }),
    ]);
    assert.equal(indexOf(bytes).contentSize, 5 + 3 + 7 + 1000);
  });

  it("tells each path to whoever asks", () => {
    const seen: string[] = [];
    const indexer = new LayerIndexer("layer", (path) => seen.push(path));
    indexer.push(tar([dir("./"), dir("./a/"), file("/b", "")]));
    indexer.finish();
    assert.deepEqual(seen, ["", "a", "b"]);
  });

  it("is refused for what no layer may hold", () => {
    const refuse = (entry: NewEntry, text: RegExp) =>
      assertRefused(() => indexOf(tar([entry])), "NAME_ESCAPES", text);
    refuse(file("../x", ""), /climbs out/);
    refuse(hardLink("x", "../../etc/passwd"), /climbs out/);
    refuse(file("a/.wh..", ""), /names no file/);
    refuse(file("./", "x"), /a file in place of the root/);
    refuse(symlink("/", "/etc"), /a symlink in place of the root/);
    refuse(symlink("a/..", "/etc"), /a symlink in place of the root/);
    // A symlink may say what it likes: it is text until someone follows it.
    assertSame(tar([symlink("x", "../../../etc/passwd")]));
  });
});

describe("readLayerIndex", () => {
  const whole = indexOf(baseLayer().tar).bytes;

  it("refuses bytes that are no whole index of its version", () => {
    const other = Buffer.from(whole);
    other[8] = 2;
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from("LADELIDX"),
      other,
      Buffer.from("no index"),
    ]) {
      assertRefused(() => [...readLayerIndex(bytes)], "STORE_DAMAGED", /layer index/);
    }
    for (let size = 0; size < whole.length; size++) {
      assertRefused(() => [...readLayerIndex(whole.subarray(0, size))], "STORE_DAMAGED");
    }
  });

  it("answers damage with members or STORE_DAMAGED, and ends", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 })), {
          minLength: 1,
          maxLength: 5,
        }),
        (changes) => {
          const bytes = Buffer.from(whole);
          for (const [offset, value] of changes) bytes[offset] = value;
          try {
            assert.ok([...readLayerIndex(bytes)].length <= bytes.length);
          } catch (error) {
            assert.ok(isLadeError(error, "STORE_DAMAGED"), String(error));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
