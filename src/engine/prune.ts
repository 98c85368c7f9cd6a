// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { containersOfImage } from "../content/containers.ts";
import { allImages, findImage, type ImageRow } from "../content/images.ts";
import { openLease } from "../content/lease.ts";
import { prunePlacedLayers } from "../content/placed-layers.ts";
import type { Store } from "../content/store.ts";
import { noteSweep, sweepBlobs } from "../content/sweep.ts";
import { type Deletion, deleteImage } from "./delete-image.ts";
import type { Engine } from "./engine.ts";
import { booleanFilter, collectFilters, type FilterValues, matchesLabels } from "./filters.ts";
import { referencesOf } from "./image-references.ts";
import { notePrune } from "./quiet-event.ts";
import { sweepUnpackedIfAny } from "./remove.ts";
import { parseTimestamp, timeNs } from "./timestamp.ts";
import type { PruneImagesOptions, PruneReport, RemovedItem } from "./types.ts";

/**
 * Removes images without a name (with `all`: every image), and what crashed commands left.
 *
 * @returns what was removed, and the bytes that this freed on disk
 * @throws LadeError FILTER_INVALID
 */
export async function pruneImages(
  engine: Engine,
  options: PruneImagesOptions,
): Promise<PruneReport> {
  const { store } = engine;
  // Starting a lease sweeps what belongs to nobody.
  openLease(store)[Symbol.dispose]();
  const removed = options.compressed === true ? forgetCompressed(store) : prune(engine, options);
  const swept = sweepBlobs(store);
  await sweepUnpackedIfAny(engine);
  const placedSize = options.all === true ? prunePlacedLayers(store) : 0;
  const spaceReclaimed = swept.reduce((sum, blob) => sum + blob.size, placedSize);
  notePrune(store.database, "image", spaceReclaimed);
  const blobs: RemovedItem[] =
    options.compressed === true ? swept.map(({ digest }) => ({ type: "deleted", id: digest })) : [];
  return { removed: [...removed, ...blobs], spaceReclaimed };
}

const filterNames = ["dangling", "label", "label!", "until"] as const;

function prune(engine: Engine, options: PruneImagesOptions): RemovedItem[] {
  const { store } = engine;
  const filters = collectFilters(options.filters ?? [], filterNames);
  const isAll = options.all === true || booleanFilter(filters, "dangling") === false;
  const isWanted = compileFilters(filters);
  // A digest alone is what a name leaves behind when it moves on: such an image dangles, too.
  const deletion: Deletion = { engine, store, items: [], blobs: [], force: true, prune: true };
  store.database.transaction(() => {
    for (const image of childrenFirst(allImages(store.database))) {
      const isGone = findImage(store.database, image.id) === undefined;
      const hasTag = referencesOf(store, image.id).some((one) => one.tag !== undefined);
      const isUsed = containersOfImage(store.database, image.id).length > 0;
      if (!isGone && !isUsed && isWanted(image) && (isAll || !hasTag)) {
        deleteImage(deletion, image.id, { isQuiet: true });
      }
    }
    if (deletion.blobs.length > 0) noteSweep(store);
  });
  return deletion.items;
}

/** A parent can only go after its children. */
function childrenFirst(images: readonly ImageRow[]): ImageRow[] {
  const parents = new Map(images.map((image) => [image.id as string, image.parent]));
  const depth = (image: ImageRow): number => {
    let steps = 0;
    for (let id = image.parent; id !== "" && steps <= images.length; id = parents.get(id) ?? "") {
      steps++;
    }
    return steps;
  };
  return images
    .map((image) => ({ image, depth: image.parent === "" ? 0 : depth(image) }))
    .sort((a, b) => b.depth - a.depth)
    .map(({ image }) => image);
}

function compileFilters(filters: FilterValues): (image: ImageRow) => boolean {
  const labels = filters.get("label") ?? [];
  const unwanted = filters.get("label!") ?? [];
  const [until, ...more] = filters.get("until") ?? [];
  if (more.length > 0) {
    throw new LadeError("FILTER_INVALID", "more than one until filter specified");
  }
  const limitNs = until === undefined ? undefined : parseTimestamp(until, Date.now());
  return (image) =>
    matchesLabels(image.labels, labels) &&
    !unwanted.some((label) => matchesLabels(image.labels, [label])) &&
    (limitNs === undefined || isNotAfter(image, limitNs));
}

/** An image that does not tell when it was made is never too old. */
function isNotAfter(image: ImageRow, limitNs: bigint): boolean {
  const createdNs = timeNs(image.created);
  return createdNs !== undefined && createdNs <= limitNs;
}

/** Manifests stay as names to look up by; only the second form of each layer goes. */
function forgetCompressed(store: Store): RemovedItem[] {
  store.database.transaction(() => {
    store.database.run(
      "DELETE FROM manifest_layer WHERE digest NOT IN (SELECT diff_id FROM image_layer)",
    );
  });
  return [];
}
