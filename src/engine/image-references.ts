// SPDX-License-Identifier: Apache-2.0

import { repositoryDigestsOf, tagsOfImage } from "../content/images.ts";
import type { Store } from "../content/store.ts";
import { type Digest, isDigest } from "../spec/digest.ts";
import { familiarString, fullName, parseReference, withDefaultTag } from "../spec/reference.ts";
import { noteImage } from "./image-events.ts";
import type { RemovedItem } from "./types.ts";

/** A name of an image: one tag or one digest of a repository. */
export interface ImageReference {
  /** Full name: `docker.io/library/busybox`. */
  readonly repository: string;
  readonly tag?: string | undefined;
  readonly digest?: Digest | undefined;
}

/** All names of an image, tags first. */
export function referencesOf(store: Store, id: Digest): ImageReference[] {
  return [
    ...tagsOfImage(store.database, id),
    ...repositoryDigestsOf(store.database, id).map(({ repository, digest }) => ({
      repository,
      digest,
    })),
  ];
}

/** The familiar form, as `rmi` prints it. */
export function formatReference(reference: ImageReference): string {
  const suffix = reference.tag === undefined ? `@${reference.digest}` : `:${reference.tag}`;
  return familiarString(parseReference(`${reference.repository}${suffix}`));
}

/**
 * The name of an image that a user wrote; one without a tag means `latest`.
 *
 * @returns undefined where it is none of the image's names, such as another image's tag before the
 *   digest by which the image was found
 */
export function ownReference(store: Store, id: Digest, name: string): ImageReference | undefined {
  const reference = parseReference(name);
  const { digest } = reference;
  const tag = digest === undefined ? withDefaultTag(reference).tag : reference.tag;
  const own = referencesOf(store, id).filter((one) => one.repository === fullName(reference));
  return (
    own.find((one) => one.tag !== undefined && one.tag === tag) ??
    own.find((one) => one.digest !== undefined && one.digest === digest)
  );
}

/** True where the argument is the image's ID or the beginning of it, or any whole digest. */
export function isIdGiven(id: Digest, name: string): boolean {
  if (isDigest(name) || isDigest(`sha256:${name}`)) return true;
  return id.startsWith(name.startsWith("sha256:") ? name : `sha256:${name}`);
}

/**
 * True where removing by ID removes only one name: at most one tag, and digests of the same
 * repository. Two tags, also of one repository, need `--force`, as in Docker.
 */
export function isSingleReference(references: readonly ImageReference[]): boolean {
  if (references.length <= 1) return true;
  const tags = references.filter((one) => one.tag !== undefined);
  if (tags.length > 1) return false;
  return new Set(references.map((one) => one.repository)).size === 1;
}

/** Removes a name of an image; inside a transaction. */
export function untag(
  target: { readonly store: Store; readonly items: RemovedItem[] },
  id: Digest,
  reference: ImageReference,
): void {
  const { database } = target.store;
  const { repository, tag, digest } = reference;
  if (tag !== undefined) {
    database.run("DELETE FROM tag WHERE repository = ? AND tag = ?", repository, tag);
  } else {
    database.run(
      "DELETE FROM repository_digest WHERE repository = ? AND digest = ?",
      repository,
      digest ?? "",
    );
  }
  noteImage(database, id, "untag");
  target.items.push({ type: "untagged", reference: formatReference(reference) });
}
