// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { inspectImage } from "../../src/engine/inspect.ts";
import { loadImages } from "../../src/engine/load.ts";
import { pruneImages } from "../../src/engine/prune.ts";
import { saveImages } from "../../src/engine/save.ts";
import { openTestStore } from "../helpers/store.ts";
import { runOrThrow } from "../helpers/tools.ts";
import {
  buildahFacts,
  dockerFacts,
  type ImageFacts,
  podmanFacts,
  skopeoFacts,
  withoutDefaultDomain,
} from "./facts.ts";
import { treeOf } from "./file-tree.ts";
import type { Lab } from "./lab.ts";
import { assertSameDocuments } from "./same-documents.ts";
import { type SharedLab, sharedLab } from "./shared-lab.ts";
import { type LadeArchive, type Source, savedByLade, sources } from "./sources.ts";

/** Removes all of docker's images, so that it has no layer before it loads one. */
async function emptyDocker({ lab }: SharedLab): Promise<void> {
  await lab.docker("image", "prune", "--all", "--force");
  assert.equal(await lab.docker("images", "--all", "--quiet"), "");
}

/** The image as podman and buildah name it. */
function withShortNames({ id, diffIds, names }: ImageFacts): ImageFacts {
  return { id, diffIds, names: names.map(withoutDefaultDomain).toSorted() };
}

/** What follows the path where skopeo, buildah and umoci are to take the archive's image. */
function tagOf({ names }: LadeArchive): string {
  return names[0] === undefined ? "" : `:${names[0].slice(names[0].lastIndexOf(":") + 1)}`;
}

/** The images for a peer. */
function sourcesFor(peer: string): readonly Source[] {
  return sources.filter(({ notFor = [] }) => !notFor.includes(peer));
}

for (const source of sourcesFor("docker")) {
  test(`out of lade: docker load: ${source.name}`, async () => {
    const shared = await sharedLab();
    const { path, id, diffIds, names } = await savedByLade(source, shared);
    await emptyDocker(shared);
    const said = await shared.lab.docker("load", "--quiet", "--input", path);
    const lines = names.map((name) => `Loaded image: ${name}`);
    assert.equal(said, names.length === 0 ? `Loaded image ID: ${id}` : lines.join("\n"));
    const { size, ...facts } = await dockerFacts(shared.lab, id);
    assert.deepEqual(facts, { id, diffIds, names: names.toSorted() });
    await using store = await openTestStore();
    await loadImages(store.engine, { path });
    await assertSameDocuments(shared.lab, store, id);
  });
}

for (const source of sources) {
  test(`out of lade: podman load: ${source.name}`, async () => {
    const shared = await sharedLab();
    const archive = await savedByLade(source, shared);
    const peers = shared.lab.emptyPeers();
    await peers.peer("podman", "load", "--quiet", "--input", archive.path);
    assert.deepEqual(await podmanFacts(peers, archive.id), withShortNames(archive));
  });

  test(`out of lade: skopeo copy docker-archive: ${source.name}`, async () => {
    const shared = await sharedLab();
    const { lab } = shared;
    const { path, id, diffIds, names } = await savedByLade(source, shared);
    for (const name of names.length === 0 ? ["@0"] : names) {
      const folder = lab.path("copy");
      // A copy reads and checks every layer.
      await lab.peer(
        "skopeo",
        "copy",
        "--quiet",
        `docker-archive:${path}:${name}`,
        `dir:${folder}`,
      );
      const copy = await skopeoFacts(lab, `dir:${folder}`);
      assert.deepEqual({ id: copy.id, diffIds: copy.diffIds }, { id, diffIds });
      assert.deepEqual(copy.layers, diffIds);
    }
    const { Tags } = JSON.parse(await lab.peer("skopeo", "list-tags", `docker-archive:${path}`));
    assert.deepEqual(Tags, names.length === 0 ? ["@0"] : names);
  });

  test(`out of lade: skopeo copy oci-archive: ${source.name}`, async () => {
    const shared = await sharedLab();
    const { lab } = shared;
    const archive = await savedByLade(source, shared);
    const folder = lab.path("copy");
    const from = `oci-archive:${archive.path}${tagOf(archive)}`;
    await lab.peer("skopeo", "copy", "--quiet", from, `dir:${folder}`);
    const copy = await skopeoFacts(lab, `dir:${folder}`);
    assert.equal(copy.id, archive.id);
    assert.deepEqual(copy.diffIds, archive.diffIds);
    if (archive.manifestDigest === undefined) assert.deepEqual(copy.layers, archive.diffIds);
    else assert.equal(copy.manifestDigest, archive.manifestDigest);
  });

  test(`out of lade: buildah pull oci-archive: ${source.name}`, async () => {
    const shared = await sharedLab();
    const archive = await savedByLade(source, shared);
    const peers = shared.lab.emptyPeers();
    const from = `oci-archive:${archive.path}${tagOf(archive)}`;
    assert.equal(`sha256:${await peers.peer("buildah", "pull", "--quiet", from)}`, archive.id);
    // Of an archive with two names, buildah takes the one that it was asked for.
    const names = archive.names.slice(0, 1);
    assert.deepEqual(await buildahFacts(peers, archive.id), withShortNames({ ...archive, names }));
  });
}

for (const source of sourcesFor("umoci")) {
  test(`out of lade: umoci unpack: ${source.name}`, async () => {
    const shared = await sharedLab();
    const { lab } = shared;
    const archive = await savedByLade(source, shared);
    const layout = await unpackLayout(lab, archive.path);
    const tags = (await lab.peer("umoci", "ls", "--layout", layout)).split("\n").filter(Boolean);
    assert.deepEqual(
      tags.map((tag) => `:${tag}`),
      archive.names.map((name) => name.slice(name.lastIndexOf(":"))),
    );
    // umoci finds images by their tags only.
    if (tags.length === 0) return;
    const bundle = lab.path("bundle");
    await lab.peer("umoci", "unpack", "--image", `${layout}${tagOf(archive)}`, bundle);
    assert.deepEqual(treeOf(`${bundle}/rootfs`), await treeInDocker(shared, archive));
  });
}

async function unpackLayout(lab: Lab, archive: string): Promise<string> {
  const layout = lab.path("layout");
  mkdirSync(layout);
  await runOrThrow("tar", ["--extract", "--file", archive, "--directory", layout]);
  return layout;
}

/** The files of an image as docker shows them. */
async function treeInDocker(shared: SharedLab, archive: LadeArchive): Promise<readonly string[]> {
  const { lab } = shared;
  await emptyDocker(shared);
  await lab.docker("load", "--quiet", "--input", archive.path);
  const container = await lab.docker("create", "--network", "none", archive.id, "sh");
  const path = lab.path("export.tar");
  await lab.docker("export", "--output", path, container);
  await lab.docker("rm", container);
  const folder = lab.path("export");
  mkdirSync(folder);
  await runOrThrow("tar", ["-xpf", path, "--numeric-owner", "-C", folder]);
  return treeOf(folder);
}

test("out of lade: zstd layers, once lade dropped them, for docker 20.10 and umoci 0.4", async () => {
  const shared = await sharedLab();
  const { lab, images } = shared;
  const source = sources.find(({ name }) => name.includes("zstd"));
  const archive = await savedByLade(source as Source, shared);
  await using store = await openTestStore();
  await loadImages(store.engine, { path: archive.path });
  await pruneImages(store.engine, { compressed: true });
  const path = lab.path("lade.tar");
  await saveImages(store.engine, { names: archive.names, path });
  await emptyDocker(shared);
  await lab.docker("load", "--quiet", "--input", path);
  const { id, diffIds } = await dockerFacts(lab, archive.id);
  assert.deepEqual({ id, diffIds }, { id: archive.id, diffIds: images.changed.diffIds });
  const layout = await unpackLayout(lab, path);
  const bundle = lab.path("bundle");
  await lab.peer("umoci", "unpack", "--image", `${layout}${tagOf(archive)}`, bundle);
});

test("out of lade: all images in one archive", async () => {
  const shared = await sharedLab();
  const { lab, images, dockerArchive } = shared;
  await using store = await openTestStore();
  await loadImages(store.engine, { path: dockerArchive });
  const named = Object.values(images).filter((image) => image.names.length > 0);
  const names = named.flatMap((image) => image.names);
  const path = lab.path("lade.tar");
  await saveImages(store.engine, { names, path });
  await emptyDocker(shared);
  const said = await lab.docker("load", "--quiet", "--input", path);
  assert.deepEqual(
    said.split("\n").toSorted(),
    names.map((name) => `Loaded image: ${name}`).toSorted(),
  );
  const peers = lab.emptyPeers();
  await peers.peer("podman", "load", "--quiet", "--input", path);
  for (const image of named) {
    assert.deepEqual(await dockerFacts(lab, image.id), image);
    assert.deepEqual(await podmanFacts(peers, image.id), withShortNames(image));
    for (const name of image.names) {
      const copy = await skopeoFacts(lab, `docker-archive:${path}:${name}`);
      assert.deepEqual(
        { id: copy.id, diffIds: copy.diffIds },
        { id: image.id, diffIds: image.diffIds },
      );
    }
  }
  const { Tags } = JSON.parse(await lab.peer("skopeo", "list-tags", `docker-archive:${path}`));
  assert.deepEqual(Tags.toSorted(), names.toSorted());
});

test("out of lade: parents that come after their children in the archive", async () => {
  const shared = await sharedLab();
  const { lab, images, dockerArchive } = shared;
  await using store = await openTestStore();
  await loadImages(store.engine, { path: dockerArchive });
  const path = lab.path("lade.tar");
  await saveImages(store.engine, { names: ["child:1", "changed:1", "app:1", "base:1"], path });
  await emptyDocker(shared);
  await lab.docker("load", "--quiet", "--input", path);
  await using other = await openTestStore();
  await loadImages(other.engine, { path });
  for (const { id } of [images.child, images.changed, images.app, images.base]) {
    await assertSameDocuments(lab, other, id);
  }
  const { Parent } = await inspectImage(other.engine, "child:1");
  assert.equal(Parent, images.app.id);
});

test("out of lade: the same image gives the same bytes whatever else is in the store", async () => {
  const { lab, dockerArchive } = await sharedLab();
  const archives: Buffer[] = [];
  await using store = await openTestStore();
  await loadImages(store.engine, { path: dockerArchive });
  const path = lab.path("child.tar");
  await saveImages(store.engine, { names: ["child:1"], path });
  archives.push(readFileSync(path));
  await using other = await openTestStore();
  await loadImages(other.engine, { path });
  const again = lab.path("child.tar");
  await saveImages(other.engine, { names: ["child:1"], path: again });
  archives.push(readFileSync(again));
  assert.ok(archives[0]?.equals(archives[1] ?? Buffer.alloc(0)));
});
