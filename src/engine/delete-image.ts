// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { type ContainerRow, containersOfImage, isRunning } from "../content/containers.ts";
import { compressedLayersOf, diffIdsOf, findImage, manifestsOf } from "../content/images.ts";
import { indexesOf } from "../content/indexes.ts";
import type { Store } from "../content/store.ts";
import { chainIds, type Digest, isDigest, shortId } from "../spec/digest.ts";
import { observedState } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { noteImage } from "./image-events.ts";
import { referencesOf, untag } from "./image-references.ts";
import type { RemovedItem } from "./types.ts";

/** A removal under way: what was said so far, and which blobs may be unused afterwards. */
export interface Deletion {
  readonly engine: Engine;
  readonly store: Store;
  readonly items: RemovedItem[];
  readonly blobs: Digest[];
  readonly force: boolean;
  /** Also remove parents that have no name. */
  readonly prune: boolean;
}

/**
 * Removes an image's rows and, with pruning, those of nameless parents; inside a transaction.
 *
 * @param options `isQuiet`: a conflict ends the removal without an error, since a name was removed
 *   already
 * @throws LadeError IMAGE_IN_USE
 */
export function deleteImage(
  deletion: Deletion,
  id: Digest,
  options: { readonly isQuiet: boolean },
): void {
  const { store } = deletion;
  const conflict = findConflict(deletion, id);
  if (conflict !== undefined) {
    if (options.isQuiet) return;
    throw conflict;
  }
  for (const reference of referencesOf(store, id)) untag(deletion, id, reference);
  const parent = findImage(store.database, id)?.parent ?? "";
  const chains = chainIdsOnlyOf(store, id);
  noteBlobs(deletion, id);
  store.database.run("DELETE FROM image WHERE id = ?", id);
  noteImage(store.database, id, "delete");
  deletion.items.push({ type: "deleted", id });
  for (const chain of chains) deletion.items.push({ type: "deleted", id: chain });
  const isPrunable = deletion.prune && isDigest(parent) && findImage(store.database, parent);
  if (isPrunable) deleteImage({ ...deletion, force: false }, parent, { isQuiet: true });
}

/**
 * What keeps an image from being removed.
 *
 * Source: `checkImageDeleteConflict` of moby (daemon/images/image_delete.go).
 *
 * @param options.ignoresNames names are no hindrance: they go with it
 */
export function findConflict(
  deletion: Deletion,
  id: Digest,
  options: { readonly ignoresNames?: boolean } = {},
): LadeError | undefined {
  const { database } = deletion.store;
  const conflict = (text: string) =>
    new LadeError("IMAGE_IN_USE", `conflict: unable to delete ${shortId(id)} ${text}`);
  const child = database.get("SELECT 1 FROM image WHERE parent = ?", id);
  if (child !== undefined) return conflict("(cannot be forced) - image has dependent child images");
  const users = containersOfImage(database, id);
  const running = users.find((row) => runs(deletion.engine, row));
  if (running !== undefined) {
    return conflict(
      `(cannot be forced) - image is being used by running container ${shortContainer(running)}`,
    );
  }
  if (deletion.force) return undefined;
  if (options.ignoresNames !== true && referencesOf(deletion.store, id).length > 0) {
    return conflict("(must be forced) - image is referenced in multiple repositories");
  }
  const [stopped] = users;
  if (stopped === undefined) return undefined;
  return conflict(
    `(must be forced) - image is being used by stopped container ${shortContainer(stopped)}`,
  );
}

function runs(engine: Engine, row: ContainerRow): boolean {
  return isRunning(observedState(engine, row));
}

export function shortContainer(row: Pick<ContainerRow, "id">): string {
  return row.id.slice(0, 12);
}

/** Chain IDs that no other image has, topmost first: Docker names each as deleted. */
function chainIdsOnlyOf(store: Store, id: Digest): Digest[] {
  const diffIds = diffIdsOf(store.database, id);
  const chains = chainIds(diffIds);
  let position = 0;
  // Images that agree with this one from the lowest layer up.
  let sharing = othersWith(store, { id, position, diffId: diffIds[0] });
  while (sharing.size > 0 && position < diffIds.length) {
    position++;
    const next = othersWith(store, { id, position, diffId: diffIds[position] });
    sharing = new Set([...sharing].filter((other) => next.has(other)));
  }
  return chains.slice(position).reverse();
}

function othersWith(
  store: Store,
  layer: { readonly id: Digest; readonly position: number; readonly diffId: Digest | undefined },
): Set<Digest> {
  if (layer.diffId === undefined) return new Set();
  const rows = store.database.all<{ image: Digest }>(
    "SELECT image FROM image_layer WHERE diff_id = ? AND position = ? AND image <> ?",
    layer.diffId,
    layer.position,
    layer.id,
  );
  return new Set(rows.map((row) => row.image));
}

function noteBlobs(deletion: Deletion, id: Digest): void {
  const { database } = deletion.store;
  deletion.blobs.push(id, ...diffIdsOf(database, id));
  for (const { digest } of manifestsOf(database, id)) {
    deletion.blobs.push(digest, ...compressedLayersOf(database, digest));
  }
  for (const { digest, documents } of indexesOf(database, id)) {
    deletion.blobs.push(digest, ...documents);
  }
}
