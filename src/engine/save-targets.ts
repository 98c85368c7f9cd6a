// SPDX-License-Identifier: Apache-2.0

import { isLadeError, LadeError } from "../base/errors.ts";
import type { ContainerRow } from "../content/containers.ts";
import { imageOfTag, findImage as imageRow } from "../content/images.ts";
import type { Store } from "../content/store.ts";
import { fullName, parseReference, type Reference, withDefaultTag } from "../spec/reference.ts";
import { findContainer } from "./find-container.ts";
import { resolveForSave, type SaveTarget } from "./find-image.ts";

/**
 * What a name stands for when images are saved: an image, else the image behind a container.
 *
 * @throws LadeError IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, REFERENCE_INVALID
 */
export function saveTargets(store: Store, name: string): readonly SaveTarget[] {
  try {
    return resolveForSave(store, name);
  } catch (error) {
    const isNoImage =
      isLadeError(error, "IMAGE_NOT_FOUND") || isLadeError(error, "REFERENCE_INVALID");
    const row = isNoImage ? containerIfThere(store, name) : undefined;
    if (row === undefined) throw error;
    return [imageBehind(store, row)];
  }
}

function containerIfThere(store: Store, name: string): ContainerRow | undefined {
  try {
    return findContainer(store, name);
  } catch (error) {
    if (isLadeError(error)) return undefined;
    throw error;
  }
}

/** With the name by which the container knows it, where that is still its name. */
function imageBehind(store: Store, row: ContainerRow): SaveTarget {
  const { image, definition } = row;
  if (imageRow(store.database, image) === undefined) {
    const isInPlace = definition.layers !== undefined;
    throw new LadeError("IMAGE_NOT_FOUND", `No such image: ${image}`, {
      hint: isInPlace
        ? "The container runs from an archive: copy that, or `lade commit` the container."
        : "The image was removed: `lade commit` the container, and save what that makes.",
    });
  }
  const reference = referenceOf(definition.config.Image ?? "");
  if (reference?.tag === undefined) return { id: image, references: [] };
  const tag = { repository: fullName(reference), tag: reference.tag };
  const isItsName = imageOfTag(store.database, tag) === image;
  return { id: image, references: isItsName ? [reference] : [] };
}

function referenceOf(text: string): Reference | undefined {
  try {
    return withDefaultTag(parseReference(text));
  } catch (error) {
    if (isLadeError(error, "REFERENCE_INVALID")) return undefined;
    throw error;
  }
}
