// SPDX-License-Identifier: Apache-2.0

/** An archive holds the same, whether it comes as a file or as a stream. */

import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { describe, it } from "node:test";
import type { Member, MemberTable } from "../../src/archive/member.ts";
import { scanFile } from "../../src/archive/scan-file.ts";
import { spoolArchive } from "../../src/archive/spool.ts";
import { isLadeError } from "../../src/base/errors.ts";
import { openLease } from "../../src/content/lease.ts";
import { loadImages } from "../../src/engine/load.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { honestArchives } from "../fixtures/honest.ts";
import { hostileArchives } from "../fixtures/hostile.ts";
import { makers } from "../fixtures/makers.ts";
import { runTool } from "../fixtures/outside-tools.ts";
import { file, sampleImage, sampleLayer } from "../fixtures/sample-image.ts";
import { type TarEntry, tar } from "../fixtures/tar-builder.ts";
import { sampleChunks, sparseMember } from "../fixtures/tar-sparse.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { noise, piecewise } from "../helpers/bytes.ts";
import { openTestStore, type TestStore, verifyStore, writeFixture } from "../helpers/store.ts";

function bytesOf({ content, size }: Member): Buffer {
  if (content.type === "bytes") return content.bytes;
  if (content.type === "staged") return readFileSync(content.path);
  const bytes = Buffer.alloc(size);
  assert.equal(readSync(content.fd, bytes, 0, size, content.offset), size);
  return bytes;
}

/** Names and digests of what is in an archive, or the refusal. */
async function listed(reading: Promise<MemberTable>): Promise<unknown> {
  try {
    const members = await reading;
    return [...members.names()].map((name) => {
      try {
        const member = members.lookup(name, "test");
        return [name, member && digestOf(bytesOf(member)), member?.size];
      } catch (error) {
        return [name, isLadeError(error) ? error.message : String(error)];
      }
    });
  } catch (error) {
    if (!isLadeError(error)) throw error;
    return `${error.code} ${error.message}`;
  }
}

async function readBoth(store: TestStore, archive: Buffer, pieces: readonly number[]) {
  const fd = openSync(writeFixture(store, "a.tar", archive), "r");
  const range = { offset: 0, size: archive.length };
  const scanned = await listed(scanFile(fd, range, "a.tar"));
  closeSync(fd);
  using lease = openLease(store.engine.store);
  const source = piecewise(archive, pieces);
  const spooled = await listed(spoolArchive(source, { lease, place: "a.tar" }));
  return { scanned, spooled, staged: readdirSync(lease.folder) };
}

describe("spoolArchive and scanFile", () => {
  const archives: readonly (readonly [name: string, build: () => Buffer])[] = [
    ...makers.map(({ name, make }) => [name, () => make().archive] as const),
    ...honestArchives.map(({ name, build }) => [name, build] as const),
  ];
  it("find the same in every honest archive, in any pieces", async () => {
    await using store = await openTestStore();
    for (const [name, build] of archives) {
      const archive = build();
      // What is packed as a whole gets unpacked before either reads it.
      if (name.includes("|") || archive.readUInt16BE(0) === 0x1f8b) continue;
      const { scanned, spooled, staged } = await readBoth(store, archive, [5000, 333, 100_000]);
      assert.ok(Array.isArray(scanned), `${name}: ${scanned}`);
      assert.deepEqual(spooled, scanned, name);
      assert.deepEqual(staged, [], name);
    }
  });

  it("refuse the same hostile archives for the same reasons", async () => {
    await using store = await openTestStore();
    for (const { name, build, outer } of hostileArchives) {
      if (outer === "unread") continue;
      const archive = build();
      if (archive.length > 3_000_000) continue;
      const { scanned, spooled } = await readBoth(store, archive, [100_000]);
      assert.deepEqual(spooled, scanned, name);
    }
  });

  it("find members of any size, and pass over what is nobody's", async () => {
    const members: TarEntry[] = [
      0, 1, 511, 512, 513, 1_048_575, 1_048_576, 1_048_577, 3_000_000,
    ].map((size) => ({ name: `of-${size}`, body: noise(size, String(size)) }));
    const holes = { name: "holes", realSize: 100_000, chunks: sampleChunks() };
    const archive = tar([
      ...members,
      { name: "odd", type: "V", body: noise(700) },
      sparseMember({ ...holes, form: "pax-1.0" }),
      { name: "last", body: "last" },
    ]);
    await using store = await openTestStore();
    for (const pieces of [[100_000], [512], [7, 1_000_000]]) {
      const { scanned, spooled } = await readBoth(store, archive, pieces);
      assert.ok(Array.isArray(scanned));
      assert.equal(scanned.length, members.length + 2);
      assert.deepEqual(spooled, scanned);
    }
  });
});

describe("load from a pipe", () => {
  async function loadFromPipe(store: TestStore, archive: Buffer) {
    // Packed, it can be read only once, as if it came through a pipe.
    const packed = runTool("gzip", ["-1c"], archive).stdout;
    return loadImages(store.engine, { path: writeFixture(store, "a.tar.gz", packed) });
  }

  it("takes documents that come after more small layers than memory is for", async () => {
    const layers = Array.from({ length: 80 }, (_, index) =>
      sampleLayer([file(`l${index}`, Buffer.alloc(900_000, `${index}`))]),
    );
    const { archive, expected } = plainArchive([sampleImage({ layers })], {
      order: "manifest-last",
    });
    await using store = await openTestStore();
    const { images } = await loadFromPipe(store, archive);
    assert.deepEqual(
      images.map(({ id }) => id),
      [expected[0]?.imageId],
    );
    await verifyStore(store);
  });

  it("takes documents that are larger than a layer that stays in memory", async () => {
    const image = sampleImage();
    const config = Buffer.concat([image.config, Buffer.alloc(3 * 1024 * 1024, " ")]);
    const large = { ...image, config, imageId: digestOf(config) };
    const { archive } = plainArchive([large]);
    await using store = await openTestStore();
    const { images } = await loadFromPipe(store, archive);
    assert.deepEqual(
      images.map(({ id }) => id),
      [digestOf(config)],
    );
    await verifyStore(store);
  });
});
