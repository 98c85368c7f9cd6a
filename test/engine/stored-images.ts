// SPDX-License-Identifier: Apache-2.0

import {
  findImage,
  type NewImage,
  putImage,
  putRepositoryDigest,
  putTag,
} from "../../src/content/images.ts";
import { type Digest, digestOf } from "../../src/spec/digest.ts";
import { fullName, parseReference } from "../../src/spec/reference.ts";
import type { TestStore } from "../helpers/store.ts";

/** A digest that begins with the given digits. */
export function digestLike(hex: string): Digest {
  return `sha256:${hex.padEnd(64, "0")}`;
}

export interface ImageFacts extends Partial<Omit<NewImage, "id" | "manifests">> {
  /** First digits of the ID. */
  readonly hex: string;
  /** Familiar: `demo:1`, `demo@sha256:…`. */
  readonly names?: readonly string[];
  /** First digits of the digests of manifests. */
  readonly manifests?: readonly string[];
}

/** Puts rows of images into a store, without any files: lists and look-ups read no others. */
export function storeImages(store: TestStore, images: readonly ImageFacts[]): Digest[] {
  const { database } = store.engine.store;
  return database.transaction(() =>
    images.map(({ hex, names = [], manifests = [], ...facts }) => {
      const id = digestLike(hex);
      putImage(database, {
        created: "2024-05-01T10:20:30Z",
        size: 100,
        platform: "linux/amd64",
        parent: undefined,
        labels: {},
        diffIds: [digestOf(hex)],
        ...facts,
        id,
        manifests: manifests.map((digits) => ({
          digest: digestLike(digits),
          mediaType: "application/vnd.oci.image.manifest.v1+json",
          compressedLayers: [],
        })),
      });
      for (const name of names) nameImage(store, name, id);
      return id;
    }),
  );
}

/** Gives a stored image a name. */
export function nameImage(store: TestStore, name: string, id: Digest): void {
  const { database } = store.engine.store;
  if (findImage(database, id) === undefined) throw new Error(`no image ${id}`);
  const reference = parseReference(name);
  const repository = fullName(reference);
  if (reference.digest === undefined) {
    putTag(database, { repository, tag: reference.tag ?? "latest" }, id);
  } else {
    putRepositoryDigest(database, { repository, digest: reference.digest }, id);
  }
}
