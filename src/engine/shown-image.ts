// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import type { ContainerRow } from "../content/containers.ts";
import type { Store } from "../content/store.ts";
import { findImage } from "./find-image.ts";

/** The image's name as the user gave it, or its ID where the name has come to mean another one. */
export function shownImage(store: Store, row: ContainerRow): string {
  return store.database.remember(`image of ${row.id}`, () => nameOrId(store, row));
}

function nameOrId(store: Store, row: ContainerRow): string {
  const name = row.definition.config.Image ?? "";
  if (name === "" || name === row.image) return row.image;
  try {
    return findImage(store, name) === row.image ? name : row.image;
  } catch (error) {
    if (isLadeError(error)) return row.image;
    throw error;
  }
}
