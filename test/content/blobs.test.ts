// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { describe, it } from "node:test";
import { blobSize, hashFile, isSound, openBlob, readDocument } from "../../src/content/blobs.ts";
import { buildIndex, sealIndex, unsealIndex } from "../../src/content/layer-indexes.ts";
import { openLease } from "../../src/content/lease.ts";
import { blobPath, erofsPath, indexPath } from "../../src/content/paths.ts";
import { sweepBlobs } from "../../src/content/sweep.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { baseLayer } from "../fixtures/sample-image.ts";
import { addBlobs, damageBlob } from "../helpers/blobs.ts";
import { openTestStore, type TestStore } from "../helpers/store.ts";

const parts = { layer: baseLayer().tar, document: Buffer.from("a document") };
const unknown = digestOf("unknown");

async function openWithBlobs() {
  const store: TestStore = await openTestStore();
  const digests = await addBlobs(store.engine.store, parts);
  return {
    ...digests,
    content: store.engine.store,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

describe("isSound", () => {
  it("is true for what was written, and false for what is not there", async () => {
    await using store = await openWithBlobs();
    assert.equal(await isSound(store.content, store.layer), true);
    assert.equal(await isSound(store.content, unknown), false);
    assert.equal(blobSize(store.content, store.document), parts.document.length);
    assert.equal(blobSize(store.content, unknown), undefined);
    fs.rmSync(blobPath(store.content.paths, store.layer));
    assert.equal(await isSound(store.content, store.layer), false);
  });

  for (const damage of ["flip", "cut", "add", "empty"] as const) {
    it(`is false after damage: ${damage}`, async () => {
      await using store = await openWithBlobs();
      damageBlob(store.content, store.layer, damage);
      assert.equal(await isSound(store.content, store.layer), false);
      assert.equal(await isSound(store.content, store.document), true);
    });
  }

  it("hashes once in a boot and day, and again after the file has changed", async () => {
    await using store = await openWithBlobs();
    const { content, layer } = store;
    const row = () => ({
      ...content.database.get(
        "SELECT verified_boot AS boot, CAST(verified_mtime_ns AS TEXT) AS time FROM blob WHERE digest = ?",
        layer,
      ),
    });
    const first = row();
    assert.notEqual(first.boot, "");
    // A touched file is looked at again; it is still right.
    const path = blobPath(content.paths, layer);
    fs.utimesSync(path, 1000, 1000);
    assert.equal(await isSound(content, layer), true);
    assert.deepEqual(row(), { ...first, time: "1000000000000" });

    // Another boot: everything is hashed again, since a power cut may lie between.
    content.database.run("UPDATE blob SET verified_boot = 'another' WHERE digest = ?", layer);
    assert.equal(await isSound(content, layer), true);
    assert.equal(row().boot, first.boot);
    const bytes = fs.readFileSync(path);
    bytes[0] = ((bytes[0] as number) + 1) % 256;
    fs.writeFileSync(path, bytes);
    fs.utimesSync(path, 1000, 1000);
    // Within a boot and day, a file whose time says that nothing happened is believed.
    assert.equal(await isSound(content, layer), true);
    const yesterday = `${String(first.boot).split(" ")[0]} 2026-01-01`;
    content.database.run("UPDATE blob SET verified_boot = ? WHERE digest = ?", yesterday, layer);
    assert.equal(await isSound(content, layer), false);
    content.database.run("UPDATE blob SET verified_boot = '' WHERE digest = ?", layer);
    assert.equal(await isSound(content, layer), false);
  });

  it("stops when it is told to", async () => {
    await using store = await openWithBlobs();
    const large = blobPath(store.content.paths, store.layer);
    fs.writeFileSync(large, Buffer.alloc(40 * 1024 * 1024));
    await assert.rejects(hashFile(large, AbortSignal.abort(new Error("enough"))), /enough/);
  });
});

describe("readDocument and openBlob", () => {
  it("give what is there", async () => {
    await using store = await openWithBlobs();
    assert.deepEqual(readDocument(store.content, store.document), parts.document);
    const { fd, size } = openBlob(store.content, store.layer);
    assert.equal(size, parts.layer.length);
    fs.closeSync(fd);
  });

  it("tell what is missing or damaged, and what to do", async () => {
    await using store = await openWithBlobs();
    for (const call of [readDocument, openBlob]) {
      assert.throws(() => call(store.content, unknown), {
        code: "BLOB_NOT_FOUND",
        message: `blob ${unknown}: missing in ${store.content.paths.blobs}`,
        hint: /lade load/,
      });
    }
    damageBlob(store.content, store.document, "flip");
    assert.throws(() => readDocument(store.content, store.document), {
      code: "DIGEST_MISMATCH",
      message: /^blob sha256:.*: damaged on disk: want sha256:.*, got sha256:/,
      hint: /lade load/,
    });
  });
});

describe("the index of a layer", () => {
  it("is sealed, and any change breaks the seal", () => {
    const bytes = Buffer.from("LADELIDX");
    const sealed = sealIndex(bytes);
    assert.deepEqual(unsealIndex(sealed), bytes);
    for (let offset = 0; offset < sealed.length; offset++) {
      const changed = Buffer.from(sealed);
      changed[offset] = ((changed[offset] as number) + 1) % 256;
      assert.equal(unsealIndex(changed), undefined);
      assert.equal(unsealIndex(sealed.subarray(0, offset)), undefined);
    }
  });

  it("is made again from its tar, the same as before", async () => {
    await using store = await openWithBlobs();
    const path = indexPath(store.content.paths, store.layer);
    const before = fs.readFileSync(path);
    const image = fs.readFileSync(erofsPath(store.content.paths, store.layer));
    const row = store.content.database.get("SELECT * FROM layer");
    fs.rmSync(path);
    fs.rmSync(erofsPath(store.content.paths, store.layer));
    store.content.database.run("DELETE FROM layer");
    buildIndex(store.content, store.layer);
    assert.deepEqual(fs.readFileSync(path), before);
    assert.deepEqual(store.content.database.get("SELECT * FROM layer"), row);
    assert.deepEqual(fs.readFileSync(erofsPath(store.content.paths, store.layer)), image);
    assert.deepEqual(fs.readdirSync(store.content.paths.indexes).length, 2);
  });
});

describe("sweepBlobs", () => {
  it("removes what no image names, and tells what that was", async () => {
    await using store = await openWithBlobs();
    const { content, layer, document } = store;
    const image = "INSERT INTO image VALUES (?, '', 0, 0, 'linux/amd64', '', '{}', 0, 0)";
    content.database.run(image, document);
    assert.deepEqual(sweepBlobs(content, [unknown]), []);
    assert.deepEqual(sweepBlobs(content), [
      { digest: layer, size: parts.layer.length, isLayer: true },
    ]);
    assert.deepEqual(fs.readdirSync(content.paths.blobs), [document.slice(7)]);
    assert.deepEqual(fs.readdirSync(content.paths.indexes), []);
    assert.deepEqual(content.database.all("SELECT * FROM layer"), []);
    content.database.run("DELETE FROM image");
    const swept = { digest: document, size: parts.document.length, isLayer: false };
    assert.deepEqual(sweepBlobs(content, [document, layer, document]), [swept]);
    assert.deepEqual(fs.readdirSync(content.paths.blobs), []);
  });

  it("leaves what a lease holds in the lease", async () => {
    await using store = await openWithBlobs();
    using lease = openLease(store.content);
    assert.ok(lease.hold(store.layer) && lease.holdIndex(store.layer));
    assert.equal(sweepBlobs(store.content).length, 2);
    assert.equal(await hashFile(lease.pathOf(store.layer)), store.layer);
    assert.ok(unsealIndex(fs.readFileSync(lease.indexPathOf(store.layer))) !== undefined);
  });

  it("goes on where files are gone already", async () => {
    await using store = await openWithBlobs();
    fs.rmSync(blobPath(store.content.paths, store.layer));
    assert.equal(sweepBlobs(store.content).length, 2);
    assert.deepEqual(store.content.database.all("SELECT * FROM blob"), []);
  });
});
