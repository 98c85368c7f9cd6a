// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { isLadeError } from "../../src/base/errors.ts";
import { loadImages } from "../../src/engine/load.ts";
import { openTestStore, storeState, verifyStore } from "../helpers/store.ts";
import { dockerFacts, type ImageFacts, ladeFacts, podmanFacts, skopeoFacts } from "./facts.ts";
import { makeBuildahImage, makeUmociLayout, stockPodman } from "./other-images.ts";
import { type SharedLab, sharedLab } from "./shared-lab.ts";

/** Something that a peer saved, and what lade must make of it. */
interface Saved {
  readonly path: string;
  readonly images: readonly (ImageFacts & {
    /** As docker counts it, where docker has the image. */
    readonly size?: number;
    /** Digest of the manifest that came with it. */
    readonly manifestDigest?: string;
  })[];
  /** Names that lade says are none. */
  readonly unusable?: readonly string[];
}

interface Case {
  readonly name: string;
  save(shared: SharedLab): Promise<Saved>;
}

async function dockerSave(
  { lab, images }: SharedLab,
  names: readonly string[],
  expected: readonly [keyof SharedLab["images"], names: readonly string[]][],
): Promise<Saved> {
  const path = lab.path("docker.tar");
  await lab.docker("save", "--output", path, ...names);
  return { path, images: expected.map(([key, tags]) => ({ ...images[key], names: tags })) };
}

const dockerCases: readonly Case[] = [
  {
    name: "docker save NAME:TAG",
    save: (shared) => dockerSave(shared, ["app:1"], [["app", ["app:1"]]]),
  },
  {
    name: "docker save NAME, which is all its tags",
    save: (shared) => dockerSave(shared, ["app"], [["app", ["app:1", "app:latest"]]]),
  },
  {
    name: "docker save of a name with a registry",
    save: (shared) => {
      const name = "registry.example:5000/team/app:v2.0_x";
      return dockerSave(shared, [name], [["app", [name]]]);
    },
  },
  {
    name: "docker save ID",
    save: (shared) => dockerSave(shared, [shared.images.child.id], [["child", []]]),
  },
  {
    name: "docker save of a short ID",
    save: (shared) =>
      dockerSave(shared, [shared.images.nameless.id.slice(7, 19)], [["nameless", []]]),
  },
  {
    name: "docker save of several images, one on another, by names and ID",
    save: (shared) =>
      dockerSave(
        shared,
        ["base:1", "child:1", "changed:1", shared.images.nameless.id, "app:latest"],
        [
          ["base", ["base:1"]],
          ["child", ["child:1"]],
          ["changed", ["changed:1"]],
          ["nameless", []],
          ["app", ["app:latest"]],
        ],
      ),
  },
  {
    name: "docker save of removed and replaced files",
    save: (shared) => dockerSave(shared, ["changed:1"], [["changed", ["changed:1"]]]),
  },
  {
    name: "docker save of many layers",
    save: (shared) => dockerSave(shared, ["many:1"], [["many", ["many:1"]]]),
  },
  {
    name: "docker save of devices, capabilities and long names",
    save: (shared) => dockerSave(shared, ["odd:1"], [["odd", ["odd:1"]]]),
  },
];

const podmanCases: readonly Case[] = [
  {
    name: "podman save --format docker-archive",
    async save(shared) {
      const { path, image } = await podmanSave(shared, "docker-archive", "app:1");
      // The format keeps docker's config, and with it the image ID.
      assert.equal(image.id, shared.images.app.id);
      return { path, images: [{ ...shared.images.app, names: ["localhost/app:1"] }] };
    },
  },
  {
    name: "podman save of several images",
    async save(shared) {
      const { lab, images } = shared;
      await stockPodman(shared);
      const path = lab.path("podman.tar");
      const save = ["save", "--quiet", "--multi-image-archive", "--output", path];
      await lab.peer("podman", ...save, "many:1", "app:latest", "odd:1");
      return {
        path,
        images: [
          { ...images.many, names: ["localhost/many:1"] },
          { ...images.app, names: ["localhost/app:latest"] },
          { ...images.odd, names: ["localhost/odd:1"] },
        ],
      };
    },
  },
  ...(["oci-archive", "oci-dir"] as const).map((format) => ({
    name: `podman save --format ${format}`,
    async save(shared: SharedLab) {
      const { lab, images } = shared;
      const { path } = await podmanSave(shared, format, "changed:1");
      const source = format === "oci-dir" ? `oci:${path}` : `oci-archive:${path}`;
      const found = await skopeoFacts(lab, source);
      assert.deepEqual(found.diffIds, images.changed.diffIds);
      assert.ok(found.layerTypes.every((type) => type.endsWith("tar+gzip")));
      return { path, images: [{ ...found, names: ["localhost/changed:1"] }] };
    },
  })),
];

async function podmanSave(
  shared: SharedLab,
  format: string,
  name: string,
): Promise<{ path: string; image: ImageFacts }> {
  const { lab } = shared;
  await stockPodman(shared);
  const path = lab.path("podman");
  await lab.peer("podman", "save", "--quiet", "--format", format, "--output", path, name);
  return { path, image: await podmanFacts(lab, name) };
}

const buildahCases: readonly Case[] = (["oci-archive", "docker-archive"] as const).map((kind) => ({
  name: `buildah push ${kind}:`,
  async save(shared: SharedLab) {
    const { lab } = shared;
    const id = await makeBuildahImage(shared);
    const path = lab.path("buildah.tar");
    await lab.peer("buildah", "push", "--quiet", "built:1", `${kind}:${path}:pushed:2`);
    const found = await skopeoFacts(lab, `${kind}:${path}:pushed:2`);
    assert.equal(found.id, id);
    const { manifestDigest, ...facts } = found;
    // buildah adds the name that it knows the image by to a docker-archive.
    const names = kind === "oci-archive" ? ["pushed:2"] : ["localhost/built:1", "pushed:2"];
    const came = kind === "oci-archive" ? { manifestDigest } : {};
    return { path, images: [{ ...facts, names, ...came }] };
  },
}));

/** Options and destination of a copy, and the names that are in it. */
const skopeoCopies: readonly {
  readonly to: string;
  readonly options?: readonly string[];
  readonly names?: readonly string[];
  readonly unusable?: readonly string[];
  readonly layerType?: string;
}[] = [
  { to: "docker-archive:PATH:copied:3", names: ["copied:3"], layerType: "tar.gzip" },
  { to: "docker-archive:PATH" },
  { to: "oci-archive:PATH:registry.example/copied:3", names: ["registry.example/copied:3"] },
  { to: "oci-archive:PATH:only-a-tag", unusable: ["only-a-tag"] },
  { to: "oci-archive:PATH" },
  { to: "oci:PATH:copied:3", names: ["copied:3"], layerType: "tar+gzip" },
  { to: "oci:PATH:1", options: ["--dest-oci-accept-uncompressed-layers"], unusable: ["1"] },
  {
    to: "oci:PATH:zstd:1",
    options: ["--dest-compress-format", "zstd", "--format", "oci"],
    names: ["zstd:1"],
    layerType: "tar+zstd",
  },
];

const skopeoCases: readonly Case[] = skopeoCopies.map((copy) => ({
  name: `skopeo copy ${(copy.options ?? []).join(" ")} ${copy.to}`.replace("  ", " "),
  async save(shared: SharedLab) {
    const { lab, images } = shared;
    const path = lab.path("skopeo");
    const destination = copy.to.replace("PATH", path);
    const from = `docker-archive:${shared.changedArchive}`;
    await lab.peer("skopeo", "copy", "--quiet", ...(copy.options ?? []), from, destination);
    const found = await skopeoFacts(lab, destination);
    assert.deepEqual(found.diffIds, images.changed.diffIds);
    if (copy.layerType !== undefined) {
      assert.ok(found.layerTypes.every((type) => type.endsWith(copy.layerType ?? "")));
    }
    const { manifestDigest, ...facts } = found;
    const came = copy.to.startsWith("oci") ? { manifestDigest } : {};
    return {
      path,
      images: [{ ...facts, names: copy.names ?? [], ...came }],
      unusable: copy.unusable ?? [],
    };
  },
}));

const folderOfSeveral: Case = {
  name: "skopeo copy of two images into one oci: folder",
  async save(shared) {
    const { lab } = shared;
    const path = lab.path("skopeo");
    const saved: { images: ImageFacts[] } = { images: [] };
    for (const name of ["many:1", "child:1"]) {
      const archive = lab.path("docker.tar");
      await lab.docker("save", "--output", archive, name);
      await lab.peer(
        "skopeo",
        "copy",
        "--quiet",
        `docker-archive:${archive}`,
        `oci:${path}:${name}`,
      );
      saved.images.push({ ...(await skopeoFacts(lab, `oci:${path}:${name}`)), names: [name] });
    }
    return { path, ...saved };
  },
};

const umociCase: Case = {
  name: "a layout of umoci, with an image on another and one without layers",
  async save(shared) {
    const { lab } = shared;
    const path = await makeUmociLayout(shared);
    const images = await Promise.all(
      ["empty", "first", "second"].map(async (tag) => ({
        ...(await skopeoFacts(lab, `oci:${path}:${tag}`)),
        names: [],
      })),
    );
    assert.deepEqual(
      images.map((image) => image.diffIds.length),
      [0, 1, 2],
    );
    return { path, images, unusable: ["empty", "first", "second"] };
  },
};

const cases = [
  ...dockerCases,
  ...podmanCases,
  ...buildahCases,
  ...skopeoCases,
  folderOfSeveral,
  umociCase,
];

for (const { name, save } of cases) {
  test(`into lade: ${name}`, async () => {
    const shared = await sharedLab();
    const saved = await save(shared);
    await using store = await openTestStore();
    const { images, warnings } = await loadImages(store.engine, { path: saved.path });
    assert.deepEqual(
      images.map(({ id, reference }) => `${id} ${reference ?? ""}`).toSorted(),
      saved.images
        .flatMap(({ id, names }) =>
          names.length === 0 ? [`${id} `] : names.map((tag) => `${id} ${tag}`),
        )
        .toSorted(),
    );
    assert.deepEqual(
      warnings,
      (saved.unusable ?? []).map(
        (tag) =>
          `index.json names an image only "${tag}": give it a name with \`lade tag\` and its ID`,
      ),
    );
    for (const expected of saved.images) {
      const { id, diffIds, names, size } = await ladeFacts(store, expected.id);
      assert.deepEqual(
        { id, diffIds, names },
        { id: expected.id, diffIds: expected.diffIds, names: expected.names.toSorted() },
      );
      if (expected.size !== undefined) assert.equal(size, expected.size);
      if (expected.manifestDigest !== undefined) {
        assert.equal((await ladeFacts(store, expected.manifestDigest)).id, expected.id);
      }
    }
    await verifyStore(store);
  });
}

for (const maker of ["skopeo copy dir:", "podman save --format docker-dir"]) {
  test(`into lade: ${maker} is refused and told apart`, async () => {
    const shared = await sharedLab();
    const { lab } = shared;
    let path = lab.path("dir");
    if (maker.startsWith("podman")) ({ path } = await podmanSave(shared, "docker-dir", "app:1"));
    else {
      const from = `docker-archive:${shared.changedArchive}`;
      await lab.peer("skopeo", "copy", "--quiet", from, `dir:${path}`);
    }
    await using store = await openTestStore();
    const before = storeState(store);
    await assert.rejects(loadImages(store.engine, { path }), (error) => {
      assert.ok(isLadeError(error, "UNSUPPORTED"));
      assert.match(error.message, /`dir:` folder/);
      assert.match(error.hint ?? "", /skopeo copy dir:/);
      return true;
    });
    assert.deepEqual(storeState(store), before);
  });
}

test("into lade: docker's images in any order of loading are the same images", async () => {
  const { lab, images, dockerArchive } = await sharedLab();
  await using store = await openTestStore();
  for (const name of ["child:1", "app:1"]) {
    const path = lab.path("docker.tar");
    await lab.docker("save", "--output", path, name);
    await loadImages(store.engine, { path });
  }
  await loadImages(store.engine, { path: dockerArchive });
  for (const image of Object.values(images).filter(({ names }) => names.length > 0)) {
    assert.deepEqual(await ladeFacts(store, image.id), await dockerFacts(lab, image.id));
  }
  await verifyStore(store);
});
