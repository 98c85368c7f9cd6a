// SPDX-License-Identifier: Apache-2.0

/** The rules of Docker's classic store. Source: `ImageDelete` of moby 28 (daemon/images). */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, it } from "node:test";
import { imageOfTag } from "../../src/content/images.ts";
import { loadImages } from "../../src/engine/load.ts";
import { removeImage } from "../../src/engine/remove.ts";
import type { RemoveImageOptions } from "../../src/engine/types.ts";
import { chainIds, type Digest } from "../../src/spec/digest.ts";
import { ociImage } from "../fixtures/archive-parts.ts";
import { docker25, dockerSave25 } from "../fixtures/docker-oci.ts";
import { sampleImage } from "../fixtures/sample-image.ts";
import {
  openTestStore,
  storeState,
  type TestStore,
  verifyStore,
  writeFixture,
} from "../helpers/store.ts";
import { digestLike, storeImages } from "./stored-images.ts";

/** The lines that `rmi` prints. */
async function remove(
  store: TestStore,
  name: string,
  options: Omit<RemoveImageOptions, "name"> = {},
): Promise<string[]> {
  const items = await removeImage(store.engine, { name, ...options });
  return items.map((item) =>
    item.type === "untagged" ? `Untagged: ${item.reference}` : `Deleted: ${item.id}`,
  );
}

async function assertConflict(
  store: TestStore,
  name: string,
  message: RegExp,
  options: Omit<RemoveImageOptions, "name"> = {},
): Promise<void> {
  const before = storeState(store);
  await assert.rejects(async () => remove(store, name, options), { code: "IMAGE_IN_USE", message });
  assert.deepEqual(storeState(store), before);
}

const multiple =
  /^conflict: unable to delete [0-9a-f]{12} \(must be forced\) - image is referenced in multiple repositories$/;
const children =
  /^conflict: unable to delete [0-9a-f]{12} \(cannot be forced\) - image has dependent child images$/;

const id = digestLike("abc");
/** An image of one layer has one chain ID: that layer's digest. */
const diffIds = [digestLike("1a")];
const deleted = [`Deleted: ${id}`, `Deleted: ${diffIds[0]}`];
const digest = (repository: string) => `${repository}@${digestLike("def")}`;

const open = async (names: readonly string[]): Promise<TestStore> => {
  const store = await openTestStore();
  storeImages(store, [{ hex: "abc", names, diffIds }]);
  return store;
};

describe("removeImage by name", () => {
  it("removes the image with its last name", async () => {
    for (const name of ["demo:1", "docker.io/library/demo:1", "library/demo:1"]) {
      await using store = await open(["demo:1"]);
      assert.deepEqual(await remove(store, name), ["Untagged: demo:1", ...deleted]);
    }
    await using latest = await open(["demo"]);
    assert.deepEqual(await remove(latest, "demo"), ["Untagged: demo:latest", ...deleted]);
  });

  it("removes only the name while there are others, with and without force", async () => {
    for (const force of [true, false]) {
      await using store = await open(["demo:1", "demo:2", "example.com/x:y"]);
      assert.deepEqual(await remove(store, "demo:1", { force }), ["Untagged: demo:1"]);
      assert.deepEqual(await remove(store, "example.com/x:y", { force }), [
        "Untagged: example.com/x:y",
      ]);
      assert.deepEqual(await remove(store, "demo:2", { force }), ["Untagged: demo:2", ...deleted]);
    }
  });

  it("removes a repository's digests with its last tag", async () => {
    await using store = await open(["demo:1", "demo:2", digest("demo"), digest("other")]);
    assert.deepEqual(await remove(store, "demo:1"), ["Untagged: demo:1"]);
    assert.deepEqual(await remove(store, "demo:2"), [
      "Untagged: demo:2",
      `Untagged: ${digest("demo")}`,
    ]);
    assert.deepEqual(await remove(store, digest("other")), [
      `Untagged: ${digest("other")}`,
      ...deleted,
    ]);
  });

  it("removes a digest, and leaves the tags", async () => {
    await using store = await open(["demo:1", digest("demo")]);
    assert.deepEqual(await remove(store, digest("demo")), [`Untagged: ${digest("demo")}`]);
    assert.deepEqual(await remove(store, "demo:1"), ["Untagged: demo:1", ...deleted]);
  });

  it("never takes a name from another image", async () => {
    await using store = await open([digest("demo")]);
    const [other] = storeImages(store, [{ hex: "fff", names: ["demo:1"] }]);
    // The digest decides which image is meant; the tag before it has moved on.
    assert.deepEqual(await remove(store, `demo:1@${digestLike("def")}`), [
      `Untagged: ${digest("demo")}`,
      ...deleted,
    ]);
    const tag = { repository: "docker.io/library/demo", tag: "1" };
    assert.equal(imageOfTag(store.engine.store.database, tag), other);
  });

  it("tells what is not there", async () => {
    await using store = await open(["demo:1"]);
    for (const force of [true, false]) {
      await assert.rejects(async () => remove(store, "demo:2", { force }), {
        code: "IMAGE_NOT_FOUND",
        message: "No such image: demo:2",
      });
    }
    await assert.rejects(async () => remove(store, "Demo"), { code: "REFERENCE_INVALID" });
  });
});

describe("removeImage by ID", () => {
  const ids = [id, id.slice(7), "abc", "sha256:abc"];

  it("removes an image without names, with one, and with digests of its repository", async () => {
    for (const given of ids) {
      await using bare = await open([]);
      assert.deepEqual(await remove(bare, given), deleted);
      await using one = await open(["demo:1"]);
      assert.deepEqual(await remove(one, given), ["Untagged: demo:1", ...deleted]);
      await using both = await open(["demo:1", digest("demo")]);
      assert.deepEqual(await remove(both, given), [
        "Untagged: demo:1",
        `Untagged: ${digest("demo")}`,
        ...deleted,
      ]);
    }
  });

  it("needs force for two tags or two repositories", async () => {
    for (const names of [
      ["demo:1", "demo:2"],
      ["demo:1", "other:1"],
      ["demo:1", digest("other")],
      [digest("demo"), digest("other")],
    ]) {
      await using store = await open(names);
      for (const given of ids) await assertConflict(store, given, multiple);
      assert.deepEqual(await remove(store, id, { force: true }), [
        ...names.map((name) => `Untagged: ${name}`),
        ...deleted,
      ]);
    }
  });

  it("takes the digest of a manifest for the ID of its image", async () => {
    for (const given of [digestLike("dd"), digestLike("dd").slice(7)]) {
      await using store = await openTestStore();
      storeImages(store, [{ hex: "abc", names: ["demo:1"], manifests: ["dd"], diffIds }]);
      assert.deepEqual(await remove(store, given), ["Untagged: demo:1", ...deleted]);
      assert.deepEqual(store.engine.store.database.all("SELECT * FROM manifest"), []);
    }
  });
});

describe("removeImage and parents", () => {
  const family = async (names: { readonly parent?: string[]; readonly child?: string[] }) => {
    const store = await openTestStore();
    storeImages(store, [
      { hex: "a1", diffIds: [digestLike("1")] },
      {
        hex: "a2",
        parent: digestLike("a1"),
        diffIds: ["1", "2"].map(digestLike),
        names: names.parent ?? [],
      },
      {
        hex: "a3",
        parent: digestLike("a2"),
        diffIds: ["1", "2", "3"].map(digestLike),
        names: names.child ?? [],
      },
    ]);
    return store;
  };
  const chains = chainIds(["1", "2", "3"].map(digestLike));
  const gone = (hex: string, chain: number) => [
    `Deleted: ${digestLike(hex)}`,
    `Deleted: ${chains[chain]}`,
  ];

  it("removes parents without a name along with a child", async () => {
    await using store = await family({ child: ["demo:1"] });
    assert.deepEqual(await remove(store, "demo:1"), [
      "Untagged: demo:1",
      ...gone("a3", 2),
      ...gone("a2", 1),
      ...gone("a1", 0),
    ]);
  });

  it("keeps them with --no-prune, and above one that has a name", async () => {
    await using kept = await family({ child: ["demo:1"] });
    assert.deepEqual(await remove(kept, "demo:1", { noPrune: true }), [
      "Untagged: demo:1",
      ...gone("a3", 2),
    ]);
    await using named = await family({ parent: ["base:1"], child: ["demo:1"] });
    assert.deepEqual(await remove(named, "demo:1"), ["Untagged: demo:1", ...gone("a3", 2)]);
    assert.deepEqual(await remove(named, "base:1"), [
      "Untagged: base:1",
      ...gone("a2", 1),
      ...gone("a1", 0),
    ]);
  });

  it("never removes an image with children by ID, and by name only the name", async () => {
    await using store = await family({ parent: ["base:1"], child: ["demo:1"] });
    for (const force of [true, false]) {
      await assertConflict(store, "a2", children, { force });
      await assertConflict(store, "a1", children, { force });
    }
    assert.deepEqual(await remove(store, "base:1"), ["Untagged: base:1"]);
  });
});

describe("removeImage and files", () => {
  const blobsOf = (store: TestStore) => readdirSync(store.engine.store.paths.blobs);

  it("leaves nothing of an image, and only what it shares with another", async () => {
    await using store = await openTestStore();
    const { archive } = dockerSave25([
      { image: sampleImage(), tags: ["demo:1"] },
      { image: sampleImage({ flavour: "other" }), tags: ["demo:2"] },
    ]);
    await loadImages(store.engine, { path: writeFixture(store, "two.tar", archive) });
    const { diffIds: layers, imageId } = sampleImage();
    const chain = chainIds(layers as Digest[]);
    const manifest = ociImage(sampleImage()).descriptor.digest;
    // Two of the three layers are the other's, too.
    assert.deepEqual(await remove(store, "demo:1"), [
      "Untagged: demo:1",
      `Untagged: demo@${manifest}`,
      `Deleted: ${imageId}`,
      `Deleted: ${chain[2]}`,
    ]);
    assert.equal(blobsOf(store).length, 5);
    await verifyStore(store);
    assert.equal((await remove(store, "demo:2")).length, 6);
    assert.deepEqual(blobsOf(store), []);
    assert.deepEqual(readdirSync(store.engine.store.paths.indexes), []);
    await verifyStore(store);
  });

  it("lets the image come back", async () => {
    await using store = await openTestStore();
    const path = writeFixture(store, "image.tar", docker25().archive);
    const first = await loadImages(store.engine, { path });
    const before = blobsOf(store);
    for (const name of ["demo:1", "example.com/team/demo:x"]) await remove(store, name);
    assert.deepEqual(blobsOf(store), []);
    assert.deepEqual(await loadImages(store.engine, { path }), first);
    assert.deepEqual(blobsOf(store), before);
    await verifyStore(store);
  });
});

describe("removing for a platform", () => {
  it("removes an image that is for it, and no other", async () => {
    await using store = await openTestStore();
    storeImages(store, [{ hex: "a", names: ["demo:1"] }]);
    const before = storeState(store);
    const other = remove(store, "demo:1", { platforms: ["linux/amd64", "linux/s390x"] });
    await assert.rejects(other, { code: "PLATFORM_NOT_FOUND" });
    const wrong = remove(store, "demo:1", { platforms: ["linux/amd64/v1/x/y"] });
    await assert.rejects(wrong, { code: "PLATFORM_INVALID" });
    assert.deepEqual(storeState(store), before);
    const [untagged] = await remove(store, "demo:1", { platforms: ["linux/amd64"] });
    assert.equal(untagged, "Untagged: demo:1");
  });
});
