// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadImages } from "../../src/engine/load.ts";
import { blobPath, indexOf, ociImage } from "../fixtures/archive-parts.ts";
import { makers } from "../fixtures/makers.ts";
import {
  amd64,
  arm64,
  hostPlatform,
  platformName,
  type SamplePlatform,
  sampleImage,
} from "../fixtures/sample-image.ts";
import { type TarEntry, tar } from "../fixtures/tar-builder.ts";
import { foreignPlatform } from "../fixtures/variants.ts";
import {
  openTestStore,
  storeState,
  type TestStore,
  verifyStore,
  writeFixture,
} from "../helpers/store.ts";
import { assertLoaded } from "./loaded.ts";

const severalPlatforms = makers.filter(({ make }) => make().otherPlatforms !== undefined);

const load = (store: TestStore, archive: Buffer, platforms?: readonly string[]) =>
  loadImages(store.engine, {
    path: writeFixture(store, "image.tar", archive),
    ...(platforms && { platforms }),
  });

/** An OCI layout whose index names images by their platforms only. */
function unnamedLayout(
  images: readonly { platform: SamplePlatform; flavour: string }[],
  members: readonly TarEntry[] = [],
): { archive: Buffer; ids: string[] } {
  const made = images.map((options) => ociImage(sampleImage(options)));
  const descriptors = made.map(({ descriptor, image }) => ({
    ...descriptor,
    platform: image.platform,
  }));
  const blobs = new Map(made.flatMap((one) => [...one.blobs]));
  const archive = tar([
    { name: "oci-layout", body: '{"imageLayoutVersion":"1.0.0"}' },
    { name: "index.json", body: indexOf(descriptors) },
    ...members,
    ...[...blobs].map(([digest, body]) => ({ name: blobPath(digest), body })),
  ]);
  return { archive, ids: made.map(({ image }) => image.imageId) };
}

const host = hostPlatform();
const other = host === amd64 ? arm64 : amd64;

describe("load --platform", () => {
  for (const { name, make } of severalPlatforms) {
    it(`takes the other platform of ${name}`, async () => {
      const { archive, otherPlatforms = [] } = make();
      for (const expected of otherPlatforms) {
        await using store = await openTestStore();
        const { images } = await load(store, archive, [expected.platform]);
        assertLoaded(store, images, [expected]);
        await verifyStore(store);
      }
    });

    it(`takes two platforms of ${name}`, async () => {
      const { archive, expected, otherPlatforms = [] } = make();
      await using store = await openTestStore();
      const all = [...expected, ...otherPlatforms];
      const platforms = all.map(({ platform }) => platform);
      const { images } = await load(store, archive, platforms);
      assert.deepEqual(
        new Set(images.map(({ id }) => id)),
        new Set(all.map(({ imageId }) => imageId)),
      );
      await verifyStore(store);
    });
  }

  it("takes the image of an archive for the platform that it is for", async () => {
    for (const { name, make } of makers) {
      await using store = await openTestStore();
      const { archive, expected } = make();
      const { images } = await load(store, archive, [expected[0]?.platform ?? ""]);
      assert.ok(images.length > 0, name);
    }
  });

  it("refuses a platform that is not there, and says which are", async () => {
    for (const { name, make } of makers) {
      await using store = await openTestStore();
      const before = storeState(store);
      const { archive } = make();
      // Images of before 1.10 say nothing of a platform in their archive's index.
      if (name.includes("before 1.")) continue;
      await assert.rejects(load(store, archive, ["windows/amd64"]), {
        code: "PLATFORM_NOT_FOUND",
        message: /was found, but doesn't provide the requested platform \(windows\/amd64\)$/,
        hint: /^It has linux\/.*: choose with --platform\.$/,
      });
      assert.deepEqual(storeState(store), before);
    }
    await using store = await openTestStore();
    await assert.rejects(load(store, foreignPlatform().archive, ["no such platform"]), {
      code: "PLATFORM_INVALID",
    });
  });

  it("is not needed for the only platform that there is", async () => {
    await using store = await openTestStore();
    const { archive, expected } = foreignPlatform();
    const { images } = await load(store, archive);
    assertLoaded(store, images, expected);
  });
});

describe("images without a name in an OCI layout", () => {
  it("are one image when each states another platform", async () => {
    const { archive, ids } = unnamedLayout([
      { platform: other, flavour: platformName(other) },
      { platform: host, flavour: platformName(host) },
    ]);
    await using store = await openTestStore();
    assert.deepEqual(
      (await load(store, archive)).images.map(({ id }) => id),
      [ids[1]],
    );
    const { images } = await load(store, archive, [platformName(other)]);
    assert.deepEqual(
      images.map(({ id }) => id),
      [ids[0]],
    );
  });

  it("are several when two state the same", async () => {
    const { archive, ids } = unnamedLayout([
      { platform: host, flavour: "one" },
      { platform: other, flavour: "two" },
      { platform: host, flavour: "three" },
    ]);
    await using store = await openTestStore();
    assert.deepEqual(
      (await load(store, archive)).images.map(({ id }) => id),
      ids,
    );
  });
});
