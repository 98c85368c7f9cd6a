// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { it } from "node:test";
import { readIndexedEntries } from "../../src/content/layer-indexes.ts";
import { blobPath } from "../../src/content/paths.ts";
import { loadImages } from "../../src/engine/load.ts";
import { pruneImages } from "../../src/engine/prune.ts";
import { removeImage } from "../../src/engine/remove.ts";
import { ensureUnpacked } from "../../src/rootfs/unpack.ts";
import { type Digest, digestHex } from "../../src/spec/digest.ts";
import { dockerEdited } from "../fixtures/hostile-base.ts";
import { sampleImage } from "../fixtures/sample-image.ts";
import { openTestStore, writeFixture } from "../helpers/store.ts";

it("unpacked layers go with the last image that has them", async () => {
  await using lab = await openTestStore();
  const { store } = lab.engine;
  const { unpacked } = store.paths;
  const image = sampleImage();
  const path = writeFixture(lab, "image.tar", dockerEdited({ layers: image.layers }));
  const { images } = await loadImages(lab.engine, { path });
  const diffIds = image.diffIds as readonly Digest[];
  for (const diffId of diffIds) {
    const tar = blobPath(store.paths, diffId);
    ensureUnpacked(unpacked, {
      key: digestHex(diffId),
      tar: { path: tar, offset: 0, size: fs.statSync(tar).size },
      index: () => readIndexedEntries(store, diffId),
      erofs: () => assert.fail("nothing is mounted"),
    });
  }
  await pruneImages(lab.engine, {});
  assert.deepEqual(fs.readdirSync(unpacked).toSorted(), diffIds.map(digestHex).toSorted());
  await removeImage(lab.engine, { name: images[0]?.id ?? "", force: true });
  assert.deepEqual(fs.readdirSync(unpacked), []);
});
