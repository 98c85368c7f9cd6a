// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { loadImages } from "../../src/engine/load.ts";
import { removeImage } from "../../src/engine/remove.ts";
import { saveImages } from "../../src/engine/save.ts";
import { tagImage } from "../../src/engine/tag.ts";
import type { SaveOptions } from "../../src/engine/types.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { dockerSave25 } from "../fixtures/docker-oci.ts";
import { sampleImage } from "../fixtures/sample-image.ts";
import { openTestStore, type TestStore, verifyStore, writeFixture } from "../helpers/store.ts";
import { scan } from "../tar/scan.ts";

const first = sampleImage();
const second = sampleImage({ flavour: "second" });

async function openWithImages(): Promise<TestStore> {
  const store = await openTestStore();
  const { archive } = dockerSave25([
    { image: first, tags: ["demo:1", "demo:latest"] },
    { image: second, tags: ["demo:2", "example.com/other:x"] },
  ]);
  await loadImages(store.engine, { path: writeFixture(store, "images.tar", archive) });
  return store;
}

/** Image IDs and names of an archive's `manifest.json`. */
async function saved(store: TestStore, options: Partial<SaveOptions>): Promise<unknown> {
  const path = join(store.folder, "saved.tar");
  await saveImages(store.engine, { names: [], path, ...options });
  const bytes = readFileSync(path);
  const entry = scan(bytes).find((one) => one.path === "manifest.json");
  assert.ok(entry !== undefined);
  const text = bytes.toString("utf8", entry.dataOffset, entry.dataOffset + entry.size);
  const items: { Config: string; RepoTags: string[] | null }[] = JSON.parse(text);
  return items.map(({ Config, RepoTags }) => [`sha256:${Config.slice(13)}`, RepoTags]);
}

describe("saveImages", () => {
  it("takes what the names say: one tag, all tags of a repository, or no name", async () => {
    await using store = await openWithImages();
    const [a, b] = [first.imageId, second.imageId];
    const cases: readonly (readonly [names: readonly string[], want: unknown])[] = [
      [["demo:1"], [[a, ["demo:1"]]]],
      [["docker.io/library/demo:1"], [[a, ["demo:1"]]]],
      [
        ["demo"],
        [
          [a, ["demo:1", "demo:latest"]],
          [b, ["demo:2"]],
        ],
      ],
      [
        ["demo:2", "demo:1"],
        [
          [b, ["demo:2"]],
          [a, ["demo:1"]],
        ],
      ],
      [["demo:1", "demo:latest", "demo:1"], [[a, ["demo:1", "demo:latest"]]]],
      [[a], [[a, null]]],
      [[a.slice(7, 19)], [[a, null]]],
      [[a, "demo:1"], [[a, ["demo:1"]]]],
      [["example.com/other"], [[b, ["example.com/other:x"]]]],
    ];
    for (const [names, want] of cases) assert.deepEqual(await saved(store, { names }), want);
    assert.deepEqual(await saved(store, { names: [b], withTags: true }), [
      [b, ["demo:2", "example.com/other:x"]],
    ]);
  });

  it("refuses what is not there, in Docker's words, and writes nothing", async () => {
    await using store = await openWithImages();
    const path = join(store.folder, "never.tar");
    const refuse = async (more: Partial<SaveOptions>, code: string, message: RegExp) => {
      const options = { names: ["demo:1"], path, ...more };
      await assert.rejects(saveImages(store.engine, options), { code, message });
      assert.ok(!existsSync(path));
    };
    await refuse({ names: ["demo:1", "none"] }, "IMAGE_NOT_FOUND", /^No such image: none$/);
    await refuse({ names: ["demo:3"] }, "IMAGE_NOT_FOUND", /^reference does not exist$/);
    await refuse({ names: [digestOf("x")] }, "IMAGE_NOT_FOUND", /^No such image: sha256:/);
    await refuse({ names: ["Demo"] }, "REFERENCE_INVALID", /must be lowercase/);
    await refuse(
      { platforms: ["windows/amd64"] },
      "PLATFORM_NOT_FOUND",
      /^no suitable export target found: image with reference demo:1 was found but does not provide the specified platform \(windows\/amd64\)$/,
    );
    await refuse({ platforms: ["no platform"] }, "PLATFORM_INVALID", /./);
    const folder = join(store.folder, "folder");
    mkdirSync(folder);
    await refuse(
      { path: folder, names: ["none"] },
      "OUTPUT_INVALID",
      /^cannot write to a directory$/,
    );
    await refuse(
      { path: join(folder, "none/x.tar") },
      "OUTPUT_INVALID",
      /^invalid output path: stat /,
    );
    assert.deepEqual(await saved(store, { names: ["demo:1"], platforms: ["linux/amd64"] }), [
      [first.imageId, ["demo:1"]],
    ]);
  });

  it("saves an image whole that is removed meanwhile", async () => {
    await using store = await openWithImages();
    const path = join(store.folder, "saved.tar");
    await saveImages(store.engine, { names: ["demo:1"], path });
    const wanted = digestOf(readFileSync(path));
    let removed: Promise<unknown> | undefined;
    const blobs = store.engine.store.paths.blobs;
    await saveImages(store.engine, {
      names: ["demo:1"],
      path,
      onProgress: () => {
        removed ??= removeImage(store.engine, { name: first.imageId, force: true });
      },
    });
    await removed;
    assert.ok(!existsSync(join(blobs, first.imageId.slice(7))));
    assert.equal(digestOf(readFileSync(path)), wanted);
    await verifyStore(store);
  });

  it("gives other bytes for another name, and the same for the name again", async () => {
    await using store = await openWithImages();
    const save = async (name: string) => {
      const path = join(store.folder, "x.tar");
      await saveImages(store.engine, { names: [name], path });
      return digestOf(readFileSync(path));
    };
    const before = await save("demo:1");
    await tagImage(store.engine, "demo:1", "copy:1");
    assert.notEqual(await save("copy:1"), before);
    assert.equal(await save("demo:1"), before);
  });

  it("tells how far it is", async () => {
    await using store = await openWithImages();
    const path = join(store.folder, "x.tar");
    const totals: number[] = [];
    const layers = new Set<string>();
    await saveImages(store.engine, {
      names: ["demo:1"],
      path,
      onProgress(event) {
        if (event.type === "layer") layers.add(event.id);
        else totals.push(event.current);
        assert.ok(event.current <= (event.total ?? 0));
      },
    });
    assert.equal(totals.at(-1), readFileSync(path).length);
    assert.deepEqual(
      [...layers],
      first.diffIds.map((diffId) => diffId.slice(7, 19)),
    );
  });
});
