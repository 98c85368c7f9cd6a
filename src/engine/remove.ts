// SPDX-License-Identifier: Apache-2.0

import { existsSync } from "node:fs";
import { LadeError } from "../base/errors.ts";
import type { Store } from "../content/store.ts";
import { type SweptBlob, sweepBlobs } from "../content/sweep.ts";
import { type Digest, shortId } from "../spec/digest.ts";
import { type Deletion, deleteImage } from "./delete-image.ts";
import type { Engine } from "./engine.ts";
import { findImage } from "./find-image.ts";
import {
  type ImageReference,
  isIdGiven,
  isSingleReference,
  ownReference,
  referencesOf,
  untag,
} from "./image-references.ts";
import type { RemovedItem, RemoveImageOptions } from "./types.ts";

/**
 * Removes a name, and the image with it when that was its last one; or an image by its ID.
 *
 * The rules are those of Docker's classic store, and so is the order of the lines.
 *
 * @throws LadeError IMAGE_NOT_FOUND, IMAGE_IN_USE
 */
export async function removeImage(
  engine: Engine,
  options: RemoveImageOptions,
): Promise<readonly RemovedItem[]> {
  const { store } = engine;
  const deletion: Deletion = {
    store,
    items: [],
    blobs: [],
    force: options.force === true,
    prune: options.noPrune !== true,
  };
  store.database.transaction(() => removeNamed(deletion, options.name));
  sweepAfter(store, deletion);
  await sweepUnpackedIfAny(engine);
  return deletion.items;
}

/** Blobs go only once the rows that named them are durably gone. */
export function sweepAfter(store: Store, deletion: Deletion): SweptBlob[] {
  return deletion.blobs.length === 0 ? [] : sweepBlobs(store, deletion.blobs);
}

/** Only where layers were ever unpacked: what mounts them need not be loaded for the rest. */
export async function sweepUnpackedIfAny(engine: Engine): Promise<void> {
  if (!existsSync(engine.store.paths.unpacked)) return;
  const { sweepUnpackedLayers } = await import("./sweep-unpacked.ts");
  sweepUnpackedLayers(engine);
}

function removeNamed(deletion: Deletion, name: string): void {
  const { store } = deletion;
  const id = findImage(store, name);
  const given = isIdGiven(id, name) ? undefined : ownReference(store, id, name);
  if (given === undefined) removeById(deletion, id);
  else removeName(deletion, id, given);
}

function removeName(deletion: Deletion, id: Digest, given: ImageReference): void {
  const { store } = deletion;
  untag(deletion, given);
  if (given.tag !== undefined) {
    const rest = referencesOf(store, id).filter((one) => one.repository === given.repository);
    // Digests are names of what the repository's tags stood for.
    if (rest.every((one) => one.tag === undefined)) {
      for (const one of rest) untag(deletion, one);
    }
  }
  if (referencesOf(store, id).length === 0) deleteImage(deletion, id, { isQuiet: true });
}

function removeById(deletion: Deletion, id: Digest): void {
  const references = referencesOf(deletion.store, id);
  if (isSingleReference(references)) {
    for (const one of references) untag(deletion, one);
  } else if (!deletion.force) {
    throw new LadeError(
      "IMAGE_IN_USE",
      `conflict: unable to delete ${shortId(id)} (must be forced) - image is referenced in multiple repositories`,
      { hint: "Remove it by each of its names, or use -f to remove them all." },
    );
  }
  deleteImage(deletion, id, { isQuiet: false });
}
