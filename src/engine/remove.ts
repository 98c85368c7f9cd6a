// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import type { Store } from "../content/store.ts";
import { type SweptBlob, sweepBlobs } from "../content/sweep.ts";
import { type Deletion, deleteImage } from "./delete-image.ts";
import type { Engine } from "./engine.ts";
import { findImage } from "./find-image.ts";
import {
  isIdPrefix,
  isSingleReference,
  parseGivenName,
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
export function removeImage(
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
  return Promise.resolve(deletion.items);
}

/** Blobs go only once the rows that named them are durably gone. */
export function sweepAfter(store: Store, deletion: Deletion): SweptBlob[] {
  return deletion.blobs.length === 0 ? [] : sweepBlobs(store, deletion.blobs);
}

function removeNamed(deletion: Deletion, name: string): void {
  const { store } = deletion;
  const id = findImage(store, name);
  if (!isIdPrefix(id, name)) {
    const given = parseGivenName(store, name);
    untag(deletion, given);
    const left = referencesOf(store, id);
    if (given.tag !== undefined) {
      const hasTag = left.some((one) => one.tag && one.repository === given.repository);
      const digests = left.filter((one) => one.digest && one.repository === given.repository);
      if (!hasTag) for (const one of digests) untag(deletion, one);
    }
    if (referencesOf(store, id).length > 0) return;
    deleteImage(deletion, id, { isQuiet: true });
    return;
  }
  const references = referencesOf(store, id);
  if (isSingleReference(references)) {
    for (const one of references) untag(deletion, one);
  } else if (!deletion.force) {
    throw new LadeError(
      "IMAGE_IN_USE",
      `conflict: unable to delete ${id.slice(7, 19)} (must be forced) - image is referenced in multiple repositories`,
      { hint: "Remove it by each of its names, or use -f to remove them all." },
    );
  }
  deleteImage(deletion, id, { isQuiet: false });
}
