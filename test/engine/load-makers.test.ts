// SPDX-License-Identifier: Apache-2.0

/** Archives of every maker load to the image, names and manifest that their maker meant. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { diffIdsOf, manifestsOf } from "../../src/content/images.ts";
import { loadImages } from "../../src/engine/load.ts";
import type { Digest } from "../../src/spec/digest.ts";
import type { ExpectedImage, MadeArchive } from "../fixtures/archive-parts.ts";
import { honestArchives } from "../fixtures/honest.ts";
import { makers } from "../fixtures/makers.ts";
import { openTestStore, type TestStore, verifyStore, writeFixture } from "../helpers/store.ts";

const subjects: readonly { name: string; make: () => Pick<MadeArchive, "archive" | "expected"> }[] =
  [
    ...makers,
    ...honestArchives.map(({ name, build, expected }) => ({
      name: `honest: ${name}`,
      make: () => ({ archive: build(), expected: expected() }),
    })),
  ];

for (const { name, make } of subjects) {
  test(`load from a file: ${name}`, async () => {
    await using store = await openTestStore();
    const { archive, expected } = make();
    const path = writeFixture(store, "image.tar", archive);
    const { images } = await loadImages(store.engine, { path });
    assertImages(store, images, expected);
    await verifyStore(store);
  });

  test(`load from a pipe: ${name}`, async () => {
    await using store = await openTestStore();
    const { archive, expected } = make();
    const path = writeFixture(store, "image.tar", archive);
    // A process of its own, since standard input is the process's.
    const script = `
      import { openEngine } from "./src/engine/engine.ts";
      import { loadImages } from "./src/engine/load.ts";
      await using engine = await openEngine({ root: ${JSON.stringify(store.root)} });
      const { images } = await loadImages(engine, { path: undefined });
      console.log(JSON.stringify(images));`;
    const child = spawnSync(
      "sh",
      [
        "-c",
        `cat "$1" | "$2" --disable-warning=ExperimentalWarning --input-type=module -e "$3"`,
        "sh",
        path,
        process.execPath,
        script,
      ],
      { encoding: "utf8" },
    );
    assert.equal(child.stderr, "");
    assertImages(store, JSON.parse(child.stdout), expected);
    await verifyStore(store);
  });
}

function assertImages(
  store: TestStore,
  images: readonly { readonly id: string; readonly reference?: string | undefined }[],
  expected: readonly ExpectedImage[],
): void {
  const { database } = store.engine.store;
  const names = (image: ExpectedImage) =>
    image.repoTags.length === 0 ? [undefined] : image.repoTags;
  const key = (id: string, reference: string | undefined) => `${id} ${reference ?? ""}`;
  assert.deepEqual(
    images.map((image) => key(image.id, image.reference)).sort(),
    expected.flatMap((image) => names(image).map((tag) => key(image.imageId, tag))).sort(),
  );
  for (const image of expected) {
    assert.deepEqual(diffIdsOf(database, image.imageId as Digest), image.diffIds);
    if (image.manifestDigest === undefined) continue;
    const digests = manifestsOf(database, image.imageId as Digest).map(
      (row) => row.digest as string,
    );
    assert.ok(digests.includes(image.manifestDigest), `manifest ${image.manifestDigest}`);
  }
}
