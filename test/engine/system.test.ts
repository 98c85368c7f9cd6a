// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { version } from "../../src/base/version.ts";
import { openEngine } from "../../src/engine/engine.ts";
import { loadImages } from "../../src/engine/load.ts";
import { diskUsage, systemInfo } from "../../src/engine/system.ts";
import { containerdSingle } from "../fixtures/containerd.ts";
import { hexPart } from "../fixtures/digests.ts";
import { sampleImage } from "../fixtures/sample-image.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { openTestStore, type TestStore, writeFixture } from "../helpers/store.ts";
import { runOrThrow } from "../helpers/tools.ts";

async function load(store: TestStore, archive: Buffer): Promise<void> {
  await loadImages(store.engine, { path: writeFixture(store, "a.tar", archive) });
}

test("info tells facts on the machine and the store", async () => {
  await using store = await openTestStore();
  await load(store, plainArchive([sampleImage(), sampleImage({ flavour: "x" })]).archive);
  const info = await systemInfo(store.engine);
  assert.equal(info.images, 2);
  assert.equal(info.root, store.root);
  assert.ok(["erofs", "erofs-loop", "unpacked"].includes(info.driver), info.driver);
  assert.equal(info.serverVersion, version);
  assert.equal(info.name, hostname());
  assert.equal(info.osType, process.platform);
  assert.equal(info.architecture, (await runOrThrow("uname", ["-m"])).stdout.trim());
  assert.equal(info.kernelVersion, (await runOrThrow("uname", ["-r"])).stdout.trim());
  assert.equal(info.cpus, Number((await runOrThrow("nproc")).stdout));
  assert.ok(info.memory > 2 ** 26);
  const sourced = await runOrThrow("sh", ["-c", '. /etc/os-release; echo "$PRETTY_NAME"']);
  assert.equal(info.operatingSystem, sourced.stdout.trim());
  for (const warning of info.warnings) assert.match(warning, /^No [a-z ]+ support$/);
  const runc = info.runtimes.runc ?? "";
  const { stdout: runcVersion } = await runOrThrow(runc, ["--version"]);
  assert.ok(info.runtimeVersion !== "" && runcVersion.includes(info.runtimeVersion));
});

test("the store's ID is made once and stays", async () => {
  await using store = await openTestStore();
  const { id } = await systemInfo(store.engine);
  assert.match(id, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal((await systemInfo(store.engine)).id, id);
  await using again = await openEngine({ root: store.root });
  assert.equal((await systemInfo(again)).id, id);
  await using other = await openTestStore();
  assert.notEqual((await systemInfo(other.engine)).id, id);
});

test("the size of the store counts all of its files", async () => {
  await using store = await openTestStore();
  const { rootSize: empty = 0 } = await systemInfo(store.engine);
  assert.ok(empty >= statSync(join(store.root, "lade.db")).size);
  await load(store, plainArchive([sampleImage()]).archive);
  const { rootSize = 0 } = await systemInfo(store.engine);
  const find = [
    "-c",
    `find "$1" -type f -printf '%s\\n' | awk '{ n += $1 } END { print n }'`,
    "sh",
  ];
  const found = await runOrThrow("sh", [...find, store.root]);
  assert.equal(rootSize, Number(found.stdout));
  writeFileSync(join(store.root, "ingest", "left-over"), "12345");
  assert.equal((await systemInfo(store.engine)).rootSize, rootSize + 5);
});

test("disk usage of an empty store is nothing", async () => {
  await using store = await openTestStore();
  const empty = { images: [], layersSize: 0, reclaimable: 0, containers: [], volumes: [] };
  assert.deepEqual(await diskUsage(store.engine), empty);
});

test("layers that several images have are shared, the rest is each one's own", async () => {
  await using store = await openTestStore();
  const plain = sampleImage();
  const [base, app] = plain.layers;
  if (base === undefined || app === undefined) throw new Error("the sample has three layers");
  const tasty = sampleImage({ flavour: "tasty" });
  const alone = sampleImage({ layers: [sampleImage({ flavour: "other" }).layers[2] ?? base] });
  const twice = sampleImage({ layers: [app, app] });
  await load(store, plainArchive([plain, tasty], { tags: null }).archive);
  await load(store, plainArchive([alone, twice], { tags: null }).archive);
  const { images, layersSize, reclaimable } = await diskUsage(store.engine);
  const sizes = new Map(
    images.map(({ id, size, sharedSize, uniqueSize }) => [id, [size, sharedSize, uniqueSize]]),
  );
  assert.deepEqual(sizes.get(plain.imageId), [1425, 1419, 6]);
  assert.deepEqual(sizes.get(tasty.imageId), [1425, 1419, 6]);
  assert.deepEqual(sizes.get(alone.imageId), [6, 0, 6]);
  assert.deepEqual(sizes.get(twice.imageId), [2662, 2662, 0]);
  const tars = new Map(
    [plain, tasty, alone, twice].flatMap((image) =>
      image.layers.map((layer) => [layer.diffId, layer.tar.length]),
    ),
  );
  assert.equal(
    layersSize,
    [...tars.values()].reduce((sum, size) => sum + size, 0),
  );
  assert.equal(reclaimable, layersSize);
});

test("compressed copies of layers count as space on disk", async () => {
  await using store = await openTestStore();
  const made = containerdSingle();
  await load(store, made.archive);
  const { images, layersSize } = await diskUsage(store.engine);
  const blobs = store.engine.store.database.all<{ digest: string; size: number }>(
    "SELECT digest, size FROM blob",
  );
  const documents = new Set([made.expected[0]?.imageId, made.expected[0]?.manifestDigest]);
  const layers = blobs.filter(({ digest }) => !documents.has(digest));
  assert.equal(layers.length, 6);
  for (const { digest, size } of layers) {
    assert.equal(statSync(join(store.root, "blobs/sha256", hexPart(digest))).size, size);
  }
  assert.equal(
    layersSize,
    layers.reduce((sum, { size }) => sum + size, 0),
  );
  assert.equal(images[0]?.size, 1425);
});
