// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ImageArchiveDetector } from "../../src/archive/detect-image.ts";

const hex = "0123456789abcdef".repeat(4);
const refused = { code: "ARCHIVE_IS_IMAGE", message: /^a\.tar: this is an image archive/ };

function seeAll(names: readonly string[]): ImageArchiveDetector {
  const detector = new ImageArchiveDetector("a.tar");
  for (const name of names) detector.see(name);
  return detector;
}

describe("ImageArchiveDetector", () => {
  it("knows blobs, layers and configs at once", () => {
    for (const name of [
      `blobs/sha256/${hex}`,
      `./blobs/sha256/${hex}`,
      `${hex}/layer.tar`,
      `${hex}/json`,
      `${hex}/VERSION`,
      `${hex}.tar`,
      `${hex}.json`,
    ]) {
      assert.throws(() => seeAll(["blobs", name]), refused, name);
    }
  });

  it("waits for the end where only a document tells", () => {
    const detector = seeAll(["a", "manifest.json"]);
    assert.throws(() => detector.finish(), refused);
  });

  it("takes what lies beside a file system's folders for files of it", () => {
    seeAll([".dockerenv", `blobs/sha256/${hex}`, `${hex}.json`]).finish();
    seeAll(["index.json", "bin", "etc", "usr"]).finish();
    seeAll(["app", "data/blobs", `cache/${hex}.tar`, `${hex}/other`]).finish();
  });
});
