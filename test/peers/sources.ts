// SPDX-License-Identifier: Apache-2.0

import { importImage } from "../../src/engine/import.ts";
import { loadImages } from "../../src/engine/load.ts";
import { saveImages } from "../../src/engine/save.ts";
import { tagImage } from "../../src/engine/tag.ts";
import { openTestStore, type TestStore } from "../helpers/store.ts";
import { type ImageFacts, ladeFacts, skopeoFacts } from "./facts.ts";
import { changes } from "./images.ts";
import { makeBuildahImage, makeUmociLayout, stockPodman } from "./other-images.ts";
import type { SharedLab } from "./shared-lab.ts";

/** An image of a peer, or of lade's own making, that lade saves. */
export interface Source {
  readonly name: string;
  /** Peers that are too old for it. */
  readonly notFor?: readonly string[];
  /** Brings it into lade's store. */
  bring(store: TestStore, shared: SharedLab): Promise<Brought>;
}

export interface Brought {
  /** What to save: a name, or an ID. */
  readonly name: string;
  /** Digest of the manifest that came with it and must go out again. */
  readonly manifestDigest?: string;
}

/** An archive that lade saved, with one image. */
export interface LadeArchive extends Brought, ImageFacts {
  readonly path: string;
}

const dockerNames = ["base:1", "app:1", "app", "child:1", "changed:1", "many:1", "odd:1"];

export const sources: readonly Source[] = [
  ...dockerNames.map((name) => ({
    name: `docker's ${name}`,
    async bring(store: TestStore, shared: SharedLab) {
      await loadImages(store.engine, { path: shared.dockerArchive });
      return { name };
    },
  })),
  {
    name: "docker's child:1 by its ID",
    async bring(store, shared) {
      await loadImages(store.engine, { path: shared.dockerArchive });
      return { name: shared.images.child.id };
    },
  },
  {
    name: "podman's image with gzip layers",
    async bring(store, shared) {
      await stockPodman(shared);
      const path = shared.lab.path("podman.tar");
      const save = ["save", "--quiet", "--format", "oci-archive", "--output", path];
      await shared.lab.peer("podman", ...save, "changed:1");
      await loadImages(store.engine, { path });
      const { manifestDigest } = await skopeoFacts(shared.lab, `oci-archive:${path}`);
      return { name: "localhost/changed:1", manifestDigest };
    },
  },
  {
    name: "skopeo's image with zstd layers",
    notFor: ["docker", "umoci"],
    async bring(store, { lab, changedArchive }) {
      const path = lab.path("zstd");
      const copy = ["copy", "--quiet", "--format", "oci", "--dest-compress-format", "zstd"];
      const destination = `oci:${path}:example.org/zstd:1`;
      await lab.peer("skopeo", ...copy, `docker-archive:${changedArchive}`, destination);
      await loadImages(store.engine, { path });
      const { manifestDigest } = await skopeoFacts(lab, destination);
      return { name: "example.org/zstd:1", manifestDigest };
    },
  },
  {
    name: "buildah's image",
    async bring(store, shared) {
      await makeBuildahImage(shared);
      const { lab } = shared;
      const path = lab.path("buildah.tar");
      await lab.peer("buildah", "push", "--quiet", "built:1", `oci-archive:${path}:built:1`);
      await loadImages(store.engine, { path });
      const { manifestDigest } = await skopeoFacts(lab, `oci-archive:${path}`);
      return { name: "built:1", manifestDigest };
    },
  },
  {
    name: "umoci's image",
    async bring(store, shared) {
      const path = await makeUmociLayout(shared);
      await loadImages(store.engine, { path });
      const { id, manifestDigest } = await skopeoFacts(shared.lab, `oci:${path}:second`);
      await tagImage(store.engine, id, "umoci:1");
      return { name: "umoci:1", manifestDigest };
    },
  },
  {
    name: "lade's own import",
    async bring(store, { rootTar }) {
      await importImage(store.engine, { source: rootTar, reference: "imported:1", changes });
      return { name: "imported:1" };
    },
  },
];

const saved = new Map<Source, Promise<LadeArchive>>();

/** The archive that lade makes of an image, made when it is first asked for. */
export function savedByLade(source: Source, shared: SharedLab): Promise<LadeArchive> {
  const known = saved.get(source) ?? save(source, shared);
  saved.set(source, known);
  return known;
}

async function save(source: Source, shared: SharedLab): Promise<LadeArchive> {
  await using store = await openTestStore();
  const brought = await source.bring(store, shared);
  const path = shared.lab.path("lade.tar");
  await saveImages(store.engine, { names: [brought.name], path });
  const { id, diffIds, names } = await ladeFacts(store, brought.name);
  const isId = brought.name.startsWith("sha256:");
  const goOut = brought.name.includes(":") ? [brought.name] : names.filter(isOf(brought.name));
  return { ...brought, path, id, diffIds, names: isId ? [] : goOut };
}

function isOf(repository: string): (name: string) => boolean {
  return (name) => name.startsWith(`${repository}:`);
}
