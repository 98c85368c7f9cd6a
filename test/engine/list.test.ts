// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { listImages } from "../../src/engine/list.ts";
import { loadImages } from "../../src/engine/load.ts";
import type { Filter, ListImagesOptions } from "../../src/engine/types.ts";
import { sampleImage } from "../fixtures/sample-image.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { openTestStore, type TestStore, writeFixture } from "../helpers/store.ts";
import { digestLike, type ImageFacts, nameImage, storeImages } from "./stored-images.ts";

/** The images by the first digits of their IDs. */
async function list(store: TestStore, options: ListImagesOptions = {}): Promise<string[]> {
  const images = await listImages(store.engine, options);
  return images.map(({ id }) => id.slice("sha256:".length).replace(/0+$/, ""));
}

function filters(...texts: string[]): { filters: Filter[] } {
  return {
    filters: texts.map((text) => {
      const equals = text.indexOf("=");
      return { key: text.slice(0, equals), value: text.slice(equals + 1) };
    }),
  };
}

async function withImages(
  images: readonly ImageFacts[],
  run: (store: TestStore) => Promise<void>,
): Promise<void> {
  await using store = await openTestStore();
  storeImages(store, images);
  await run(store);
}

test("a loaded image is listed with what its config says", async () => {
  await using store = await openTestStore();
  const made = plainArchive([sampleImage()], { tags: ["demo:2", "ghcr.io/a/b:1", "demo:1"] });
  await loadImages(store.engine, { path: writeFixture(store, "a.tar", made.archive) });
  assert.deepEqual(await listImages(store.engine), [
    {
      id: made.expected[0]?.imageId,
      repoTags: ["demo:1", "demo:2", "ghcr.io/a/b:1"],
      repoDigests: [],
      created: "2024-05-01T10:20:30.123456789Z",
      size: 1425,
    },
  ]);
});

test("an empty store has no images", async () => {
  await using store = await openTestStore();
  assert.deepEqual(await listImages(store.engine), []);
  assert.deepEqual(await list(store, { pattern: "x", all: true }), []);
});

test("the newest image comes first, one without a date last", async () => {
  await withImages(
    [
      { hex: "a", created: "2024-01-01T00:00:00Z", names: ["a"] },
      { hex: "b", created: "2024-01-03T00:00:00+05:00", names: ["b"] },
      { hex: "c", created: "", names: ["c"] },
      { hex: "d", created: "2024-01-02T23:59:59.999999999Z", names: ["d"] },
      { hex: "f", created: "2024-01-01T00:00:00Z", names: ["f"] },
    ],
    async (store) => assert.deepEqual(await list(store), ["d", "b", "a", "f", "c"]),
  );
});

test("names are familiar, and sorted as Docker sorts them, by the whole name", async () => {
  await using store = await openTestStore();
  const names = ["zoo:1", "ghcr.io/a:1", "abc.io/x:1", "library/x/y:1", "me/x:1", "x-y:1", "x:1"];
  const digest = digestLike("d1");
  const [id] = storeImages(store, [{ hex: "a", names }]);
  if (id === undefined) throw new Error("no image");
  for (const name of ["zoo", "abc.io/x"]) nameImage(store, `${name}@${digest}`, id);
  const [image] = await listImages(store.engine);
  assert.deepEqual(image?.repoTags, [
    "abc.io/x:1",
    "x-y:1",
    "library/x/y:1",
    "x:1",
    "zoo:1",
    "me/x:1",
    "ghcr.io/a:1",
  ]);
  assert.deepEqual(image?.repoDigests, [`abc.io/x@${digest}`, `zoo@${digest}`]);
});

const family: readonly ImageFacts[] = [
  { hex: "a1", created: "2024-01-01T00:00:00Z" },
  { hex: "a2", created: "2024-01-02T00:00:00Z", parent: digestLike("a1") },
  { hex: "a3", created: "2024-01-03T00:00:00Z", parent: digestLike("a2"), names: ["top"] },
  { hex: "b1", created: "2024-01-04T00:00:00Z" },
  { hex: "c1", created: "2024-01-05T00:00:00Z", names: ["base"] },
  { hex: "c2", created: "2024-01-06T00:00:00Z", names: ["mid"], parent: digestLike("c1") },
  { hex: "e1", created: "2024-01-07T00:00:00Z", names: [`pulled@${digestLike("ee")}`] },
];

test("nameless images that are only parents are hidden, but for --all", async () => {
  await withImages(family, async (store) => {
    assert.deepEqual(await list(store), ["e1", "c2", "c1", "b1", "a3"]);
    assert.deepEqual(await list(store, { all: true }), ["e1", "c2", "c1", "b1", "a3", "a2", "a1"]);
  });
});

test("dangling images have no tag and no child", async () => {
  await withImages(family, async (store) => {
    for (const value of ["true", "1"]) {
      assert.deepEqual(await list(store, filters(`dangling=${value}`)), ["e1", "b1"], value);
    }
    for (const value of ["false", "0"]) {
      assert.deepEqual(await list(store, filters(`dangling=${value}`)), ["e1", "c2", "c1", "a3"]);
    }
    assert.deepEqual(await list(store, { all: true, ...filters("dangling=true") }), ["e1", "b1"]);
    assert.deepEqual(await list(store, filters("dangling=true", "dangling=1")), ["e1", "b1"]);
  });
});

test("patterns choose names, and images by their names", async () => {
  await withImages(
    [
      { hex: "a", names: ["busybox:1", "busybox:2", "other:1", `busybox@${digestLike("dd")}`] },
      { hex: "b", names: ["ghcr.io/team/busybox:1"] },
      { hex: "c" },
    ],
    async (store) => {
      const names = async (options: ListImagesOptions) =>
        (await listImages(store.engine, options)).flatMap((image) => [
          ...image.repoTags,
          ...image.repoDigests.map((name) => name.slice(0, -60)),
        ]);
      const cases: readonly (readonly [string, readonly string[]])[] = [
        ["busybox", ["busybox:1", "busybox:2", "busybox@sha256:dd00"]],
        ["busybox:1", ["busybox:1"]],
        ["busy*:2", ["busybox:2"]],
        ["docker.io/library/busybox", ["busybox:1", "busybox:2", "busybox@sha256:dd00"]],
        ["*/*/busybox", ["ghcr.io/team/busybox:1"]],
        ["*", ["busybox:1", "busybox:2", "other:1", "busybox@sha256:dd00"]],
        ["nope", []],
      ];
      for (const [pattern, expected] of cases) {
        assert.deepEqual(await names({ pattern }), expected, pattern);
        assert.deepEqual(await names(filters(`reference=${pattern}`)), expected, pattern);
      }
      assert.deepEqual(await names(filters("reference=other", "reference=ghcr.io/*/*")), [
        "other:1",
        "ghcr.io/team/busybox:1",
      ]);
      const both = { pattern: "other", ...filters("reference=busybox:2") };
      assert.deepEqual(await names(both), ["busybox:2", "other:1"]);
      await assert.rejects(names({ pattern: "[a" }), {
        code: "FILTER_INVALID",
        message: "syntax error in pattern",
      });
    },
  );
});

test("labels are matched by key and by value, all of them", async () => {
  await withImages(
    [
      { hex: "a", labels: { env: "prod", "a.b": "x=y", "": "empty" } },
      { hex: "b", labels: { env: "test" } },
      { hex: "c" },
      { hex: "d", labels: JSON.parse('{"__proto__":"1"}') as Record<string, string> },
    ],
    async (store) => {
      assert.deepEqual(await list(store, filters("label=env")), ["a", "b"]);
      assert.deepEqual(await list(store, filters("label=env=prod")), ["a"]);
      assert.deepEqual(await list(store, filters("label=env", "label=a.b=x=y")), ["a"]);
      assert.deepEqual(await list(store, filters("label=env=")), []);
      assert.deepEqual(await list(store, filters("label=toString")), []);
      assert.deepEqual(await list(store, filters("label=__proto__=1")), ["d"]);
    },
  );
});

test("before and since compare times to the nanosecond", async () => {
  const second = "2024-01-01T00:00:00";
  await withImages(
    [
      { hex: "a", created: `${second}.000000001Z`, names: ["a"] },
      { hex: "b", created: `${second}.000000002Z`, names: ["b"] },
      { hex: "c", created: `${second}.000000003Z`, names: ["c"] },
      { hex: "d", created: "", names: ["d"] },
    ],
    async (store) => {
      assert.deepEqual(await list(store, filters("before=c")), ["a", "b"]);
      assert.deepEqual(await list(store, filters("since=a")), ["b", "c"]);
      assert.deepEqual(await list(store, filters("since=a", "before=c")), ["b"]);
      // Of several, the one that leaves least.
      assert.deepEqual(await list(store, filters("before=b", "before=c")), ["a"]);
      assert.deepEqual(await list(store, filters("since=a", "since=b")), ["c"]);
      // An image without a date sets no bound.
      assert.deepEqual(await list(store, filters("since=d")), ["a", "b", "c", "d"]);
      await assert.rejects(list(store, filters("before=nope")), {
        code: "IMAGE_NOT_FOUND",
        message: "No such image: nope:latest",
      });
    },
  );
});

test("until takes images made before a time or longer ago than a length of time", async () => {
  const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
  await withImages(
    [
      { hex: "a", created: hourAgo, names: ["a"] },
      { hex: "b", created: "2024-01-01T00:00:00Z", names: ["b"] },
    ],
    async (store) => {
      assert.deepEqual(await list(store, filters("until=30m")), ["a", "b"]);
      assert.deepEqual(await list(store, filters("until=2h")), ["b"]);
      assert.deepEqual(await list(store, filters("until=2024-01-01T00:00:00Z")), []);
      assert.deepEqual(await list(store, filters("until=2024-01-02Z", "until=10m")), ["b"]);
      await assert.rejects(list(store, filters("until=soon")), { code: "FILTER_INVALID" });
    },
  );
});

test("filters that are none are refused in Docker's words", async () => {
  await using store = await openTestStore();
  const cases: readonly (readonly [string[], string])[] = [
    [["x=1"], "invalid filter 'x'"],
    [["dangling=maybe"], "invalid filter 'dangling=[maybe]'"],
    [["dangling=true", "dangling=false"], "invalid filter 'dangling=[true false]'"],
    [["dangling="], "invalid filter 'dangling=[]'"],
  ];
  for (const [texts, message] of cases) {
    await assert.rejects(list(store, filters(...texts)), { code: "FILTER_INVALID", message });
  }
});

test("a list loads no library: the command that people run most starts fast", async () => {
  const { metafile } = await build({
    entryPoints: [join(import.meta.dirname, "../../src/engine/list.ts")],
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    write: false,
    metafile: true,
  });
  const outside = Object.values(metafile.outputs)
    .flatMap((output) => output.imports)
    .filter((found) => found.external)
    .map((found) => found.path);
  assert.deepEqual(
    outside.filter((path) => !path.startsWith("node:")),
    [],
  );
  assert.ok(!outside.includes("node:crypto"));
});
