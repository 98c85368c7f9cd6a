// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import { findImage as imageRow, layerSizesOf } from "../content/images.ts";
import type { Store } from "../content/store.ts";
import { type Digest, isDigest } from "../spec/digest.ts";
import type { HistoryEntry, ImageConfig } from "../spec/image-config.ts";
import type { Engine } from "./engine.ts";
import { type FindOptions, findImage } from "./find-image.ts";
import { namesOf } from "./names.ts";
import { isOneStepAbove } from "./parent.ts";
import { readConfig } from "./read-config.ts";
import { readImages } from "./read-image.ts";
import type { HistoryItem } from "./types.ts";

const missing = "<missing>";

/**
 * The steps by which an image was made, newest first.
 *
 * The newest has the image's own ID; those below have the IDs of its parents as far as the store
 * has them.
 *
 * Source: `ImageHistory` of moby 28 (daemon/images).
 *
 * @throws LadeError what `findImage` throws; BLOB_NOT_FOUND, DIGEST_MISMATCH for a store that lost
 *   bytes
 */
export async function imageHistory(
  engine: Engine,
  name: string,
  options: FindOptions = {},
): Promise<readonly HistoryItem[]> {
  const { store } = engine;
  return readImages(store, () => historyOf(store, name, options));
}

function historyOf(store: Store, name: string, options: FindOptions): readonly HistoryItem[] {
  const id = findImage(store, name, options);
  const config = readConfig(store, id);
  const sizes = stepSizes(config.history, layerSizesOf(store.database, id));
  const ids = lineageOf(store, id, config);
  const steps = config.history.map((entry, index) => ({ entry, size: sizes[index] ?? 0 }));
  return steps.reverse().map(({ entry, size }, index) => {
    const stepId = ids[index];
    return {
      id: stepId ?? missing,
      created: entry.created ?? "",
      createdBy: entry.created_by ?? "",
      size,
      comment: entry.comment ?? "",
      tags: stepId === undefined ? [] : namesOf(store, stepId).repoTags,
    };
  });
}

/** Steps that made a layer take the layers' sizes one after the other. */
function stepSizes(history: readonly HistoryEntry[], layers: readonly number[]): number[] {
  let next = 0;
  return history.map((entry) => (entry.empty_layer === true ? 0 : (layers[next++] ?? 0)));
}

/** The image and its parents, each one step above the next. */
function lineageOf(store: Store, id: Digest, config: ImageConfig): Digest[] {
  const lineage = [id];
  let child = { id, config };
  for (;;) {
    const parent = readParent(store, child.id);
    // Each parent has one step less, so this ends.
    if (parent === undefined || !isOneStepAbove(child.config, parent.config)) return lineage;
    lineage.push(parent.id);
    child = parent;
  }
}

/** A parent that can't be read is as good as one that is not there. */
function readParent(
  store: Store,
  child: Digest,
): { readonly id: Digest; readonly config: ImageConfig } | undefined {
  const id = imageRow(store.database, child)?.parent ?? "";
  if (!isDigest(id)) return undefined;
  try {
    return { id, config: readConfig(store, id) };
  } catch (error) {
    if (isLadeError(error)) return undefined;
    throw error;
  }
}
