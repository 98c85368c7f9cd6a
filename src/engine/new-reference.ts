// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { putTag } from "../content/images.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
import {
  familiarString,
  fullName,
  parseReference,
  type Reference,
  withDefaultTag,
} from "../spec/reference.ts";
import { noteImage } from "./image-events.ts";

/**
 * The name for an image that is about to be made.
 *
 * @param work what can't be done with a digest, as Docker says it: `commit`
 * @returns undefined where none is wanted
 * @throws LadeError REFERENCE_INVALID
 */
export function newReference(text: string | undefined, work: string): Reference | undefined {
  if (text === undefined || text === "") return undefined;
  const reference = parseReference(text);
  if (reference.digest !== undefined) {
    throw new LadeError("REFERENCE_INVALID", `cannot ${work} digest reference`, {
      hint: "Give a name and a tag: NAME:TAG.",
    });
  }
  return withDefaultTag(reference);
}

/** Gives an image the name; inside a transaction. */
export function nameImage(store: Store, reference: Reference | undefined, id: Digest): void {
  if (reference === undefined) return;
  const tag = reference.tag ?? "latest";
  putTag(store.database, { repository: fullName(reference), tag }, id);
  noteImage(store.database, id, "tag", familiarString(reference));
}

/** As it is shown: `busybox:latest`. */
export function shownReference(reference: Reference | undefined): string | undefined {
  return reference && familiarString(reference);
}
