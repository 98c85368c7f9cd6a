// SPDX-License-Identifier: Apache-2.0

import { existsSync } from "node:fs";
import { LadeError } from "../base/errors.ts";
import { containersOfImage } from "../content/containers.ts";
import type { Store } from "../content/store.ts";
import { noteSweep, type SweptBlob, sweepBlobs, sweepIsDue } from "../content/sweep.ts";
import { type Digest, shortId } from "../spec/digest.ts";
import { type Deletion, deleteImage, findConflict, shortContainer } from "./delete-image.ts";
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
 * @throws LadeError IMAGE_NOT_FOUND, IMAGE_IN_USE, PLATFORM_NOT_FOUND, PLATFORM_INVALID
 */
export async function removeImage(
  engine: Engine,
  options: RemoveImageOptions,
): Promise<readonly RemovedItem[]> {
  const { store } = engine;
  const deletion: Deletion = {
    engine,
    store,
    items: [],
    blobs: [],
    force: options.force === true,
    prune: options.noPrune !== true,
  };
  if (sweepIsDue(store)) sweepBlobs(store);
  store.database.transaction(() => {
    for (const platform of options.platforms ?? []) findImage(store, options.name, { platform });
    removeNamed(deletion, options.name);
    if (deletion.blobs.length > 0) noteSweep(store);
  });
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
  else removeName(deletion, id, { given, name });
}

interface NamedReference {
  readonly given: ImageReference;
  /** As the user wrote it. */
  readonly name: string;
}

function removeName(deletion: Deletion, id: Digest, { given, name }: NamedReference): void {
  const { store } = deletion;
  const isLast = isSingleReference(referencesOf(store, id));
  if (isLast && !deletion.force) checkIsUnused(deletion, id, name);
  untag(deletion, id, given);
  if (given.tag !== undefined) {
    const rest = referencesOf(store, id).filter((one) => one.repository === given.repository);
    // Digests are names of what the repository's tags stood for.
    if (rest.every((one) => one.tag === undefined)) {
      for (const one of rest) untag(deletion, id, one);
    }
  }
  if (referencesOf(store, id).length === 0) deleteImage(deletion, id, { isQuiet: true });
}

/** The last name of an image that a container was made from goes by force only. */
function checkIsUnused(deletion: Deletion, id: Digest, name: string): void {
  const [user] = containersOfImage(deletion.store.database, id);
  if (user === undefined) return;
  throw new LadeError(
    "IMAGE_IN_USE",
    `conflict: unable to remove repository reference "${name}" (must force) - ` +
      `container ${shortContainer(user)} is using its referenced image ${shortId(id)}`,
    { hint: `Remove the container first: lade rm ${shortContainer(user)}.` },
  );
}

function removeById(deletion: Deletion, id: Digest): void {
  const references = referencesOf(deletion.store, id);
  if (isSingleReference(references)) {
    const conflict = findConflict(deletion, id, { ignoresNames: true });
    if (conflict !== undefined) throw conflict;
    for (const one of references) untag(deletion, id, one);
  } else if (!deletion.force) {
    throw new LadeError(
      "IMAGE_IN_USE",
      `conflict: unable to delete ${shortId(id)} (must be forced) - image is referenced in multiple repositories`,
      { hint: "Remove it by each of its names, or use -f to remove them all." },
    );
  }
  deleteImage(deletion, id, { isQuiet: false });
}
