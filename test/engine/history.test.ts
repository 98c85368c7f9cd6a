// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { imageHistory } from "../../src/engine/history.ts";
import { loadImages } from "../../src/engine/load.ts";
import { digestOf, goJson, hexPart } from "../fixtures/digests.ts";
import { dockerV1 } from "../fixtures/docker-v1.ts";
import {
  appLayer,
  baseLayer,
  CREATED,
  type SampleImage,
  type SampleLayer,
  sampleImage,
} from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { openTestStore, type TestStore, writeFixture } from "../helpers/store.ts";

async function load(store: TestStore, archive: Buffer): Promise<void> {
  await loadImages(store.engine, { path: writeFixture(store, "a.tar", archive) });
}

test("the newest step comes first, with sizes where a step made a layer", async () => {
  await using store = await openTestStore();
  const image = sampleImage();
  await load(store, plainArchive([image], { tags: ["demo:1", "demo:2"] }).archive);
  const step = (index: number, digits: string) =>
    `/bin/sh -c make step${index} && echo <${digits}>`;
  const [base, app, top] = image.diffIds.map((diffId) => diffId.slice(7, 15)) as string[];
  const common = { created: CREATED, comment: "", tags: [], id: "<missing>" };
  assert.deepEqual(await imageHistory(store.engine, "demo:1"), [
    {
      ...common,
      id: image.imageId,
      createdBy: step(2, top ?? ""),
      size: 6,
      tags: ["demo:1", "demo:2"],
    },
    { ...common, createdBy: step(1, app ?? ""), size: 1331 },
    { ...common, createdBy: '/bin/sh -c #(nop)  CMD ["/app/run.sh"]', size: 0 },
    { ...common, createdBy: step(0, base ?? ""), size: 88 },
  ]);
});

test("an image of the old format shows its own ID and no parents", async () => {
  await using store = await openTestStore();
  const made = dockerV1();
  await load(store, made.archive);
  const items = await imageHistory(store.engine, "demo");
  assert.deepEqual(
    items.map(({ id, size, comment }) => [id, size, comment]),
    [
      [made.expected[0]?.imageId, 6, ""],
      ["<missing>", 1331, "built"],
      ["<missing>", 0, ""],
      ["<missing>", 88, ""],
    ],
  );
});

interface ChainStep {
  readonly command: string;
  readonly layer?: SampleLayer;
}

/** The image after each of some steps, as the classic builder leaves them. */
function chain(steps: readonly ChainStep[]): SampleImage[] {
  return steps.map((_, last) => {
    const done = steps.slice(0, last + 1);
    const layers = done.flatMap((step) => step.layer ?? []);
    const config = Buffer.from(
      goJson({
        architecture: "amd64",
        os: "linux",
        history: done.map(({ command, layer }) => ({
          created: CREATED,
          created_by: command,
          ...(layer === undefined ? { empty_layer: true } : {}),
        })),
        rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
      }),
    );
    return {
      config,
      imageId: digestOf(config),
      layers,
      diffIds: layers.map((layer) => layer.diffId),
      platform: { architecture: "amd64", os: "linux" },
    };
  });
}

const steps: readonly ChainStep[] = [
  { command: "ADD base", layer: baseLayer() },
  { command: "CMD run" },
  { command: "RUN make", layer: appLayer() },
];

interface Saved {
  readonly image: SampleImage;
  readonly tags: readonly string[] | null;
  readonly parent?: string | undefined;
}

/** `docker save` of images with their parents. */
function savedWithParents(images: readonly Saved[]): Buffer {
  const members = new Map<string, Buffer>();
  const items = images.map(({ image, tags, parent }) => {
    const Layers = image.layers.map((layer) => `${hexPart(layer.diffId)}.tar`);
    for (const [index, layer] of image.layers.entries()) {
      members.set(Layers[index] ?? "", layer.tar);
    }
    const Config = `${hexPart(image.imageId)}.json`;
    members.set(Config, image.config);
    return { Config, RepoTags: tags, Layers, ...(parent === undefined ? {} : { Parent: parent }) };
  });
  members.set("manifest.json", Buffer.from(goJson(items)));
  return tar([...members].map(([name, body]) => ({ name, body })));
}

function ids(store: TestStore, name: string): Promise<string[]> {
  return imageHistory(store.engine, name).then((items) => items.map((item) => item.id));
}

test("parents in the store give their steps their IDs and tags", async () => {
  await using store = await openTestStore();
  const [base, middle, top] = chain(steps) as [SampleImage, SampleImage, SampleImage];
  await load(
    store,
    savedWithParents([
      { image: base, tags: ["base:1"] },
      { image: middle, tags: null, parent: base.imageId },
      { image: top, tags: ["top:1"], parent: middle.imageId },
    ]),
  );
  const items = await imageHistory(store.engine, "top:1");
  assert.deepEqual(
    items.map(({ id, createdBy, tags }) => [id, createdBy, tags]),
    [
      [top.imageId, "RUN make", ["top:1"]],
      [middle.imageId, "CMD run", []],
      [base.imageId, "ADD base", ["base:1"]],
    ],
  );
  assert.deepEqual(await ids(store, "base:1"), [base.imageId]);
});

test("an image that can't be the parent is not taken for it", async () => {
  await using store = await openTestStore();
  const [base, , top] = chain(steps) as [SampleImage, SampleImage, SampleImage];
  const other = chain([{ command: "ADD other", layer: baseLayer() }, { command: "CMD run" }]);
  const unlike = other[1] as SampleImage;
  await load(
    store,
    savedWithParents([
      { image: base, tags: ["base:1"] },
      { image: unlike, tags: ["unlike:1"] },
      // Two steps below, and one whose steps are others.
      { image: top, tags: ["far:1"], parent: base.imageId },
    ]),
  );
  const missing = ["<missing>", "<missing>"];
  assert.deepEqual(await ids(store, "far:1"), [top.imageId, ...missing]);
  await load(store, savedWithParents([{ image: top, tags: ["far:1"], parent: unlike.imageId }]));
  assert.deepEqual(await ids(store, "far:1"), [top.imageId, ...missing]);
});

test("a parent whose config is lost is as good as not there, the image's own is not", async () => {
  await using store = await openTestStore();
  const [base, middle] = chain(steps) as [SampleImage, SampleImage];
  await load(
    store,
    savedWithParents([
      { image: base, tags: ["base:1"] },
      { image: middle, tags: ["middle:1"], parent: base.imageId },
    ]),
  );
  rmSync(join(store.root, "blobs/sha256", hexPart(base.imageId)));
  assert.deepEqual(await ids(store, "middle:1"), [middle.imageId, "<missing>"]);
  await assert.rejects(ids(store, "base:1"), { code: "BLOB_NOT_FOUND" });
});

test("an image without history has no steps", async () => {
  await using store = await openTestStore();
  const [image] = chain([{ command: "x", layer: baseLayer() }]) as [SampleImage];
  const config = Buffer.from(
    goJson({ os: "linux", rootfs: { type: "layers", diff_ids: image.diffIds } }),
  );
  const bare = { ...image, config, imageId: digestOf(config) };
  await load(store, plainArchive([bare], { tags: ["bare:1"] }).archive);
  assert.deepEqual(await imageHistory(store.engine, "bare:1"), []);
});

test("a platform can be asked for", async () => {
  await using store = await openTestStore();
  await load(store, plainArchive([sampleImage()]).archive);
  const options = { platform: "linux/amd64" };
  assert.equal((await imageHistory(store.engine, "demo:1", options)).length, 4);
  await assert.rejects(imageHistory(store.engine, "demo:1", { platform: "linux/s390x" }), {
    code: "PLATFORM_NOT_FOUND",
  });
  await assert.rejects(imageHistory(store.engine, "nope"), {
    code: "IMAGE_NOT_FOUND",
    message: "No such image: nope:latest",
  });
});
