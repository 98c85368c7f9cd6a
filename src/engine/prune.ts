// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { allImages, type ImageRow } from "../content/images.ts";
import { openLease } from "../content/lease.ts";
import type { Store } from "../content/store.ts";
import { sweepBlobs } from "../content/sweep.ts";
import { type Deletion, deleteImage } from "./delete-image.ts";
import type { Engine } from "./engine.ts";
import { referencesOf } from "./image-references.ts";
import { matchesLabel, parseUntil } from "./prune-filters.ts";
import type { Filter, PruneImagesOptions, PruneReport, RemovedItem } from "./types.ts";

/**
 * Removes images without a name (with `all`: every image), and what crashed commands left.
 *
 * @returns what was removed, and the bytes that this freed on disk
 * @throws LadeError FILTER_INVALID
 */
export function pruneImages(engine: Engine, options: PruneImagesOptions): Promise<PruneReport> {
  const { store } = engine;
  // Starting a lease sweeps what belongs to nobody.
  openLease(store)[Symbol.dispose]();
  const removed = options.compressed === true ? forgetCompressed(store) : prune(store, options);
  const swept = sweepBlobs(store);
  const spaceReclaimed = swept.reduce((sum, blob) => sum + blob.size, 0);
  const blobs: RemovedItem[] =
    options.compressed === true ? swept.map(({ digest }) => ({ type: "deleted", id: digest })) : [];
  return Promise.resolve({ removed: [...removed, ...blobs], spaceReclaimed });
}

function prune(store: Store, options: PruneImagesOptions): RemovedItem[] {
  const isWanted = compileFilters(options.filters ?? []);
  const isAll = options.all === true || hasFilter(options, "dangling", ["false", "0"]);
  const deletion: Deletion = { store, items: [], blobs: [], force: isAll, prune: false };
  store.database.transaction(() => {
    for (const image of childrenFirst(allImages(store.database))) {
      const isNamed = referencesOf(store, image.id).length > 0;
      if (isWanted(image) && (isAll || !isNamed))
        deleteImage(deletion, image.id, { isQuiet: true });
    }
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

function hasFilter(options: PruneImagesOptions, key: string, values: readonly string[]): boolean {
  return (options.filters ?? []).some((one) => one.key === key && values.includes(one.value));
}

function compileFilters(filters: readonly Filter[]): (image: ImageRow) => boolean {
  const tests = filters.map(({ key, value }) => {
    switch (key) {
      case "dangling":
        return () => true;
      case "label":
        return (image: ImageRow) => matchesLabel(image.labels, value);
      case "label!":
        return (image: ImageRow) => !matchesLabel(image.labels, value);
      case "until": {
        const limitMs = parseUntil(value);
        return (image: ImageRow) => image.createdMs < limitMs;
      }
      default:
        throw new LadeError("FILTER_INVALID", `invalid filter '${key}'`, {
          hint: "Prune knows the filters dangling, label, label! and until.",
        });
    }
  });
  return (image) => tests.every((test) => test(image));
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
