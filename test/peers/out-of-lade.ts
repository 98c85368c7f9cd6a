// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { importImage } from "../../src/engine/import.ts";
import { loadImages } from "../../src/engine/load.ts";
import { saveImages } from "../../src/engine/save.ts";
import { tagImage } from "../../src/engine/tag.ts";
import { openTestStore, type TestStore } from "../helpers/store.ts";
import { runOrThrow } from "../helpers/tools.ts";
import {
  dockerFacts,
  type ImageFacts,
  ladeFacts,
  podmanFacts,
  skopeoFacts,
  withoutDefaultDomain,
} from "./facts.ts";
import { changes } from "./images.ts";
import { makeBuildahImage, makeUmociLayout, stockPodman } from "./other-images.ts";
import { type SharedLab, sharedLab } from "./shared-lab.ts";

/** An image that lade has, from one of the peers or its own import. */
interface Source {
  readonly name: string;
  /** Brings it into lade's store, and gives the names (or the ID) to save. */
  bring(store: TestStore, shared: SharedLab): Promise<readonly string[]>;
  /** Digest of the manifest that came with it and must go out again. */
  manifestDigest?(shared: SharedLab): Promise<string>;
}

const dockerNames = ["base:1", "app:1", "child:1", "changed:1", "many:1", "odd:1"] as const;

async function loadDockerArchive(store: TestStore, { dockerArchive }: SharedLab): Promise<void> {
  await loadImages(store.engine, { path: dockerArchive });
}

async function savedByPodman({ lab, ...shared }: SharedLab): Promise<string> {
  await stockPodman({ lab, ...shared });
  const path = lab.path("podman.tar");
  await lab.peer("podman", "save", "--quiet", "--format", "oci-archive", "-o", path, "changed:1");
  return path;
}

const sources: readonly Source[] = [
  ...dockerNames.map((name) => ({
    name: `docker's ${name}`,
    async bring(store: TestStore, shared: SharedLab) {
      await loadDockerArchive(store, shared);
      return [name];
    },
  })),
  {
    name: "docker's image of two tags",
    async bring(store, shared) {
      await loadDockerArchive(store, shared);
      return ["app"];
    },
  },
  {
    name: "docker's image by its ID",
    async bring(store, shared) {
      await loadDockerArchive(store, shared);
      return [shared.images.child.id];
    },
  },
  {
    name: "podman's image with gzip layers",
    async bring(store, shared) {
      await loadImages(store.engine, { path: await savedByPodman(shared) });
      return ["localhost/changed:1"];
    },
    manifestDigest: async (shared) =>
      (await skopeoFacts(shared.lab, `oci-archive:${await savedByPodman(shared)}`)).manifestDigest,
  },
  {
    name: "skopeo's image with zstd layers",
    async bring(store, shared) {
      await loadImages(store.engine, { path: await copiedAsZstd(shared) });
      return ["example.org/zstd:1"];
    },
    manifestDigest: async (shared) =>
      (await skopeoFacts(shared.lab, `oci:${await copiedAsZstd(shared)}`)).manifestDigest,
  },
  {
    name: "buildah's image",
    async bring(store, shared) {
      await loadImages(store.engine, { path: await pushedByBuildah(shared) });
      return ["built:1"];
    },
    manifestDigest: async (shared) =>
      (await skopeoFacts(shared.lab, `oci-archive:${await pushedByBuildah(shared)}`))
        .manifestDigest,
  },
  {
    name: "umoci's image",
    async bring(store, shared) {
      const layout = await makeUmociLayout(shared);
      await loadImages(store.engine, { path: layout });
      const { id } = await skopeoFacts(shared.lab, `oci:${layout}:second`);
      await tagImage(store.engine, id, "umoci:1");
      return ["umoci:1"];
    },
    manifestDigest: async (shared) =>
      (await skopeoFacts(shared.lab, `oci:${await makeUmociLayout(shared)}:second`)).manifestDigest,
  },
  {
    name: "lade's own import",
    async bring(store, { rootTar }) {
      await importImage(store.engine, { source: rootTar, reference: "imported:1", changes });
      return ["imported:1"];
    },
  },
];

async function copiedAsZstd({ lab }: SharedLab): Promise<string> {
  const archive = lab.path("docker.tar");
  await lab.docker("save", "--output", archive, "changed:1");
  const folder = lab.path("zstd");
  const options = ["--quiet", "--format", "oci", "--dest-compress-format", "zstd"];
  const destination = `oci:${folder}:example.org/zstd:1`;
  await lab.peer("skopeo", "copy", ...options, `docker-archive:${archive}`, destination);
  return folder;
}

async function pushedByBuildah(shared: SharedLab): Promise<string> {
  await makeBuildahImage(shared);
  const path = shared.lab.path("buildah.tar");
  await shared.lab.peer("buildah", "push", "--quiet", "built:1", `oci-archive:${path}:built:1`);
  return path;
}
