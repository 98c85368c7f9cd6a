// SPDX-License-Identifier: Apache-2.0

import { repositoryDigestsOf, tagsOfImage } from "../content/images.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
import { compareGoStrings } from "../spec/go-json.ts";
import { familiarString, type Reference } from "../spec/reference.ts";

/** `docker.io/library/busybox:latest` or `docker.io/library/busybox@sha256:…`, as it was stored. */
export type WholeName = string;

const hub = "docker.io/";

/** Docker's own names, the most common ones; 64 digits would be read as an ID. */
const official = /^docker\.io\/library\/(?![0-9a-f]{64}[:@])[^/]+$/;

/** Names of others on Docker Hub, whose first part can't be taken for a domain. */
const owned = /^docker\.io\/(?!library\/|localhost\/)[^/.]+\//;

/** As `familiarString` of the reference, but fast enough for 10,000 names: `busybox:latest`. */
export function familiarText(name: WholeName): string {
  if (!name.startsWith(hub)) return name;
  if (owned.test(name)) return name.slice(hub.length);
  if (official.test(name)) return name.slice(`${hub}library/`.length);
  return familiarString(storedReference(name));
}

/** Familiar names in Docker's order, which is that of the whole names. */
export function familiarNames(names: readonly WholeName[]): readonly string[] {
  if (names.length === 0) return names;
  if (names.length === 1) return [familiarText(names[0] ?? "")];
  return names.toSorted(compareGoStrings).map(familiarText);
}

/** The name as a reference, without the cost of parsing what was parsed before it was stored. */
export function storedReference(name: WholeName): Reference {
  const slash = name.indexOf("/");
  const domain = name.slice(0, slash);
  const at = name.indexOf("@");
  if (at >= 0) {
    return { domain, path: name.slice(slash + 1, at), digest: name.slice(at + 1) as Digest };
  }
  const colon = name.lastIndexOf(":");
  return { domain, path: name.slice(slash + 1, colon), tag: name.slice(colon + 1) };
}

export interface ImageNames {
  /** Familiar names with tags, sorted. */
  readonly repoTags: readonly string[];
  /** Familiar names with digests, sorted. */
  readonly repoDigests: readonly string[];
}

/** All names of an image. */
export function namesOf({ database }: Store, id: Digest): ImageNames {
  const tags = tagsOfImage(database, id).map(({ repository, tag }) => `${repository}:${tag}`);
  const digests = repositoryDigestsOf(database, id).map(
    ({ repository, digest }) => `${repository}@${digest}`,
  );
  return { repoTags: familiarNames(tags), repoDigests: familiarNames(digests) };
}
