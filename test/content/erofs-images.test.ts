// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { commitBlobs } from "../../src/content/commit.ts";
import { isSoundErofs } from "../../src/content/erofs-files.ts";
import { ensureErofsImage, erofsPath, writeErofsFor } from "../../src/content/erofs-images.ts";
import { openLease } from "../../src/content/lease.ts";
import { blobPath, indexPath } from "../../src/content/paths.ts";
import { sweepBlobs } from "../../src/content/sweep.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { readLayerIndex } from "../../src/tar/layer-index.ts";
import { indexOf, mountImage, openLab } from "../erofs/lab.ts";
import { file } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { sparseMember } from "../fixtures/tar-sparse.ts";
import { addBlobs, damageBlob } from "../helpers/blobs.ts";
import { openTestStore, type TestStore } from "../helpers/store.ts";

/** A layer whose image holds bytes, copies from the tar, and zeros. */
const layer = tar([
  file("etc/motd", "hello\n"),
  sparseMember({
    name: "sparse",
    realSize: 3_000_000,
    chunks: [{ offset: 2_500_003, data: "shifted" }],
    form: "pax-1.0",
  }),
]);

async function openWithLayer() {
  const store: TestStore = await openTestStore();
  const content = store.engine.store;
  const { layer: diffId } = await addBlobs(content, { layer, document: Buffer.from("{}") });
  return {
    content,
    diffId,
    path: erofsPath(content.paths, diffId),
    index: indexPath(content.paths, diffId),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function flip(path: string, offset: number): void {
  const bytes = fs.readFileSync(path);
  const at = offset < 0 ? bytes.length + offset : offset;
  bytes[at] = ((bytes[at] as number) + 1) % 256;
  fs.rmSync(path);
  fs.writeFileSync(path, bytes);
}

describe("the EROFS image of a layer", () => {
  it("is made while the layer is stored, and shows it", async () => {
    await using store = await openWithLayer();
    assert.ok(isSoundErofs(store.path));
    const before = fs.statSync(store.path).ino;
    assert.equal(ensureErofsImage(store.content, store.diffId), store.path);
    assert.equal(fs.statSync(store.path).ino, before);
    using lab = openLab();
    fs.mkdirSync(lab.path("root"));
    mountImage(store.path, blobPath(store.content.paths, store.diffId), lab.path("root"));
    assert.equal(fs.readFileSync(lab.path("root/etc/motd"), "utf8"), "hello\n");
    const sparse = fs.readFileSync(lab.path("root/sparse"));
    assert.equal(sparse.length, 3_000_000);
    assert.equal(sparse.toString("latin1").replaceAll("\0", ""), "shifted");
    assert.equal(sparse.indexOf("shifted"), 2_500_003);
  });

  const damages: Readonly<Record<string, (path: string) => void>> = {
    missing: (path) => fs.rmSync(path),
    empty: (path) => fs.truncateSync(path),
    cut: (path) => fs.truncateSync(path, 1500),
    "longer by a byte": (path) => fs.appendFileSync(path, "x"),
    "of another version": (path) => flip(path, 8),
    "without its mark": (path) => flip(path, 0),
    "changed in its seal": (path) => flip(path, 40),
    "changed in its superblock": (path) => flip(path, 1030),
    "changed at its end": (path) => flip(path, -1),
    "a foreign file system": (path) => fs.writeFileSync(path, Buffer.alloc(65_536, "ext4")),
  };

  for (const [name, damage] of Object.entries(damages)) {
    it(`is made again where it is ${name}`, async () => {
      await using store = await openWithLayer();
      const good = fs.readFileSync(store.path);
      damage(store.path);
      assert.equal(isSoundErofs(store.path), false);
      ensureErofsImage(store.content, store.diffId);
      assert.deepEqual(fs.readFileSync(store.path), good);
      const files = [store.path, store.index].map((path) => path.replace(/.*\//, ""));
      assert.deepEqual(fs.readdirSync(store.content.paths.indexes).sort(), files.sort());
    });
  }

  it("is made from the tar where the index is no help", async () => {
    await using store = await openWithLayer();
    const good = [store.path, store.index].map((path) => fs.readFileSync(path));
    for (const damage of ["gone", "cut", "other"] as const) {
      fs.rmSync(store.path);
      if (damage === "gone") fs.rmSync(store.index);
      else if (damage === "cut") fs.truncateSync(store.index, 20);
      else flip(store.index, 8);
      ensureErofsImage(store.content, store.diffId);
      assert.deepEqual(
        [store.path, store.index].map((path) => fs.readFileSync(path)),
        good,
      );
    }
  });

  it("can't be made of a tar that is gone or damaged", async () => {
    await using store = await openWithLayer();
    fs.rmSync(store.path);
    fs.rmSync(store.index);
    damageBlob(store.content, store.diffId, "cut");
    const ensure = () => ensureErofsImage(store.content, store.diffId);
    assert.throws(ensure, { name: "LadeError", code: "TAR_TRUNCATED" });
    fs.rmSync(blobPath(store.content.paths, store.diffId));
    assert.throws(ensure, { name: "LadeError", code: "BLOB_NOT_FOUND" });
    assert.deepEqual(fs.readdirSync(store.content.paths.indexes), []);
  });

  it("is kept by a lease, goes with its layer, and comes back with it", async () => {
    await using store = await openWithLayer();
    const { content, diffId } = store;
    const good = fs.readFileSync(store.path);
    using lease = openLease(content);
    assert.ok(lease.hold(diffId) && lease.holdIndex(diffId));
    sweepBlobs(content);
    assert.deepEqual(fs.readdirSync(content.paths.indexes), []);
    const blob = { digest: diffId, isFresh: false, layer: { contentSize: 0, entries: 2 } };
    commitBlobs(content, { lease, blobs: [blob] }, () => undefined);
    assert.deepEqual(fs.readFileSync(store.path), good);
    // A store from before there were images has none to keep.
    fs.rmSync(store.path);
    using other = openLease(content);
    assert.ok(other.hold(diffId) && other.holdIndex(diffId));
    commitBlobs(content, { lease: other, blobs: [blob] }, () => undefined);
    assert.ok(!fs.existsSync(store.path));
  });
});

describe("writeErofsFor", () => {
  it("shows a layer where it lies in another file", () => {
    using lab = openLab();
    const tarPath = lab.path("outer.tar");
    fs.writeFileSync(tarPath, Buffer.concat([Buffer.alloc(2560, 1), layer, Buffer.alloc(700, 1)]));
    const target = lab.path("image");
    const entries = () => readLayerIndex(indexOf(layer));
    const source = { tarPath, tarOffset: 2560, tarSize: layer.length, target };
    writeErofsFor(entries(), { ...source, digest: digestOf(layer) });
    assert.ok(isSoundErofs(target));
    fs.mkdirSync(lab.path("root"));
    mountImage(target, tarPath, lab.path("root"));
    assert.equal(fs.readFileSync(join(lab.path("root"), "etc/motd"), "utf8"), "hello\n");
    assert.equal(fs.readFileSync(lab.path("root/sparse")).indexOf("shifted"), 2_500_003);
    // What is there is replaced, and stays where the new one can't be made.
    const write = (tarOffset: number) => () => writeErofsFor(entries(), { ...source, tarOffset });
    assert.throws(write(2561), { name: "LadeError", code: "UNSUPPORTED" });
    assert.throws(write(1024 * 1024), { name: "LadeError", code: "STORE_DAMAGED" });
    assert.ok(isSoundErofs(target));
    assert.deepEqual(fs.readdirSync(lab.folder).sort(), ["image", "outer.tar", "root"]);
  });
});
