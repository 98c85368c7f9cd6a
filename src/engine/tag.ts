// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { familiarName, parseReference, withDefaultTag } from "../spec/reference.ts";
import type { Engine } from "./engine.ts";
import { findImage } from "./find-image.ts";
import { nameImage } from "./new-reference.ts";

/**
 * Gives an image another name.
 *
 * @throws LadeError IMAGE_NOT_FOUND, REFERENCE_INVALID
 */
export async function tagImage(engine: Engine, source: string, target: string): Promise<void> {
  const { store } = engine;
  const reference = parseReference(target);
  if (reference.digest !== undefined) {
    throw new LadeError("REFERENCE_INVALID", "refusing to create a tag with a digest reference");
  }
  if (familiarName(reference) === "sha256") {
    throw new LadeError(
      "REFERENCE_INVALID",
      "refusing to create an ambiguous tag using digest algorithm as name",
    );
  }
  store.database.transaction(() =>
    nameImage(store, withDefaultTag(reference), findImage(store, source)),
  );
}
