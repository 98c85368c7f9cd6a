// SPDX-License-Identifier: Apache-2.0

import { manifestsOf, repositoryDigestsOf, tagsOfImage } from "../content/images.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
import { compareGoStrings } from "../spec/go-json.ts";

/** `docker.io/library/busybox:latest` or `docker.io/library/busybox@sha256:…`, as it was stored. */
export type WholeName = string;

const defaultDomain = "docker.io/";
const officialPrefix = "docker.io/library/";

/** As `familiarString` of a reference, for names that need no parsing: `busybox:latest`. */
export function familiarText(name: WholeName): string {
  if (!name.startsWith(defaultDomain)) return name;
  const isOfficial = name.startsWith(officialPrefix) && !name.includes("/", officialPrefix.length);
  return name.slice(isOfficial ? officialPrefix.length : defaultDomain.length);
}

/** Familiar names in Docker's order, which is that of the whole names. */
export function familiarNames(names: readonly WholeName[]): string[] {
  const sorted = names.length < 2 ? names : names.toSorted(compareGoStrings);
  return sorted.map(familiarText);
}

/**
 * The digests by which repositories know an image: those that were stored as such, and every
 * manifest that came with the image under each repository that has a tag of it, as in Docker's
 * containerd store.
 *
 * @param digests `docker.io/library/busybox@sha256:…`, or `@sha256:…` for a manifest
 */
export function joinDigests(
  digests: readonly string[],
  tags: readonly WholeName[],
): readonly WholeName[] {
  if (digests.length === 0) return digests;
  const joined = digests.flatMap((digest) =>
    digest.startsWith("@") ? tags.map((tag) => `${repositoryOf(tag)}${digest}`) : digest,
  );
  return joined.length < 2 ? joined : [...new Set(joined)];
}

function repositoryOf(tag: WholeName): string {
  return tag.slice(0, tag.lastIndexOf(":"));
}

export interface ImageNames {
  /** Familiar names with tags, sorted. */
  readonly repoTags: readonly string[];
  /** Familiar names with digests, sorted. */
  readonly repoDigests: readonly string[];
}

/** All names of an image. */
export function namesOf(store: Store, id: Digest): ImageNames {
  const { database } = store;
  const tags = tagsOfImage(database, id).map(({ repository, tag }) => `${repository}:${tag}`);
  const digests = joinDigests(
    [
      ...repositoryDigestsOf(database, id).map((row) => `${row.repository}@${row.digest}`),
      ...manifestsOf(database, id).map(({ digest }) => `@${digest}`),
    ],
    tags,
  );
  return { repoTags: familiarNames(tags), repoDigests: familiarNames(digests) };
}
