// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { diffIdsOf, findImage, manifestsOf } from "../../src/content/images.ts";
import type { Digest } from "../../src/spec/digest.ts";
import type { ExpectedImage } from "../fixtures/archive-parts.ts";
import type { TestStore } from "../helpers/store.ts";

interface Loaded {
  readonly id: string;
  readonly reference?: string | undefined;
}

/** Asserts that a load brought these images under these names, and nothing else. */
export function assertLoaded(
  store: TestStore,
  images: readonly Loaded[],
  expected: readonly ExpectedImage[],
): void {
  const { database } = store.engine.store;
  const wanted = expected.flatMap(({ imageId, repoTags }) =>
    (repoTags.length === 0 ? [""] : repoTags).map((tag) => `${imageId} ${tag}`),
  );
  assert.deepEqual(
    images.map(({ id, reference = "" }) => `${id} ${reference}`).sort(),
    wanted.sort(),
  );
  for (const image of expected) {
    const id = image.imageId as Digest;
    assert.deepEqual(diffIdsOf(database, id), image.diffIds);
    assert.equal(findImage(database, id)?.platform, image.platform);
    if (image.manifestDigest === undefined) continue;
    const digests: string[] = manifestsOf(database, id).map(({ digest }) => digest);
    assert.ok(digests.includes(image.manifestDigest), `manifest ${image.manifestDigest}`);
  }
}
