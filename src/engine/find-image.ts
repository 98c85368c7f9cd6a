// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import {
  findImagesByPrefix,
  imageOfManifest,
  imageOfRepositoryDigest,
  imageOfTag,
  findImage as imageRow,
  repositoryDigestsOf,
  tagsOfImage,
  tagsOfRepository,
} from "../content/images.ts";
import type { Store } from "../content/store.ts";
import { type Digest, isDigest, shortId } from "../spec/digest.ts";
import {
  comparePlatforms,
  formatPlatform,
  normalizePlatform,
  type Platform,
  parsePlatform,
} from "../spec/platform.ts";
import {
  familiarName,
  familiarString,
  fullName,
  parseReference,
  type Reference,
  withDefaultTag,
} from "../spec/reference.ts";
import { familiarText } from "./names.ts";

export interface FindOptions {
  /** The platform that the image must be for, as `--platform` has it; any where undefined. */
  readonly platform?: string | undefined;
}

/**
 * Finds an image as Docker resolves names: by `name[:tag]`, by the digest of a manifest or of the
 * image (`name@sha256:…`, `sha256:…`, 64 digits), or by the first digits of its ID. A tag wins over
 * an ID that begins with the same letters.
 *
 * @throws LadeError IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, REFERENCE_INVALID, PLATFORM_NOT_FOUND,
 *   PLATFORM_INVALID
 */
export function findImage(store: Store, name: string, options: FindOptions = {}): Digest {
  const id = lookUp(store, name);
  if (options.platform !== undefined) checkPlatform(store, { id, name, wanted: options.platform });
  return id;
}

/** The digest in a name, where the name has one: of a manifest, or of the image itself. */
export function digestInName(name: string): Digest | undefined {
  return digestOfId(name) ?? parseReference(name).digest;
}

/** An image to save and the names that it takes along. */
export interface SaveTarget {
  readonly id: Digest;
  readonly references: readonly Reference[];
}

/**
 * Finds what a name stands for when images are saved: `name:tag` is that image with that name, a
 * bare name all tags of the repository, an ID or a digest an image without a name.
 *
 * @throws LadeError IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, REFERENCE_INVALID
 */
export function resolveForSave(store: Store, name: string): readonly SaveTarget[] {
  const digest = digestOfId(name);
  const reference = digest === undefined ? parseReference(name) : undefined;
  if (reference === undefined || reference.digest !== undefined) {
    return [{ id: lookUp(store, name), references: [] }];
  }
  const repository = fullName(reference);
  if (reference.tag !== undefined) {
    const id = imageOfTag(store.database, { repository, tag: reference.tag });
    if (id !== undefined) return [{ id, references: [reference] }];
  } else {
    const tags = tagsOfRepository(store.database, repository);
    if (tags.length > 0) {
      return tags.map(({ image, tag }) => ({ id: image, references: [{ ...reference, tag }] }));
    }
  }
  const id = findByPrefix(store, name);
  if (id !== undefined) return [{ id, references: [] }];
  const message =
    reference.tag === undefined ? `No such image: ${name}` : "reference does not exist";
  throw new LadeError("IMAGE_NOT_FOUND", message, { hint: hintAtTags(store, reference) });
}

function lookUp(store: Store, name: string): Digest {
  const digest = digestOfId(name);
  if (digest !== undefined) {
    const id = imageOfDigest(store, digest);
    if (id !== undefined) return id;
    throw new LadeError("IMAGE_NOT_FOUND", `No such image: ${digest}`);
  }
  const reference = parseReference(name);
  const id =
    reference.digest === undefined
      ? findByTag(store, reference)
      : findByDigest(store, reference, reference.digest);
  const found = id ?? findByPrefix(store, name);
  if (found !== undefined) return found;
  const shown = familiarString(withDefaultTag(reference));
  throw new LadeError("IMAGE_NOT_FOUND", `No such image: ${shown}`, {
    hint: hintAtTags(store, reference),
  });
}

/** A whole ID, with or without its algorithm. */
function digestOfId(name: string): Digest | undefined {
  if (isDigest(name)) return name;
  const digest = `sha256:${name}`;
  return isDigest(digest) ? digest : undefined;
}

/** An image by its own digest, else by that of a manifest. */
function imageOfDigest(store: Store, digest: Digest): Digest | undefined {
  return imageRow(store.database, digest)?.id ?? imageOfManifest(store.database, digest);
}

function findByTag(store: Store, reference: Reference): Digest | undefined {
  const { tag = "latest" } = withDefaultTag(reference);
  return imageOfTag(store.database, { repository: fullName(reference), tag });
}

/**
 * The digest decides, and a tag beside it counts for nothing. The name must fit all the same: an
 * image that has other names only is not what was asked for. An image without any name fits all.
 */
function findByDigest(store: Store, reference: Reference, digest: Digest): Digest | undefined {
  const { database } = store;
  const repository = fullName(reference);
  const known = imageOfRepositoryDigest(database, { repository, digest });
  if (known !== undefined) return known;
  const id = imageOfDigest(store, digest);
  if (id === undefined) return undefined;
  const names = [...tagsOfImage(database, id), ...repositoryDigestsOf(database, id)];
  const fits = names.length === 0 || names.some((name) => name.repository === repository);
  return fits ? id : undefined;
}

/** @throws LadeError IMAGE_AMBIGUOUS */
function findByPrefix(store: Store, name: string): Digest | undefined {
  const prefix = /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(name)?.[1];
  if (prefix === undefined) return undefined;
  const [id, other] = findImagesByPrefix(store.database, prefix);
  if (id !== undefined && other !== undefined) {
    throw new LadeError("IMAGE_AMBIGUOUS", `ambiguous reference: ${name}`, {
      hint: `Give more digits of the ID: ${shortId(id)} and ${shortId(other)} both begin with ${prefix}.`,
    });
  }
  return id;
}

const tagsInHint = 5;

/** Names the tags that there are; what is missing is mostly just the tag. */
function hintAtTags(store: Store, reference: Reference): string | undefined {
  const rows = tagsOfRepository(store.database, fullName(reference));
  if (rows.length === 0) return undefined;
  const shown = rows.slice(0, tagsInHint);
  const names = shown.map(({ repository, tag }) => familiarText(`${repository}:${tag}`));
  const more = rows.length > tagsInHint ? `, and ${rows.length - tagsInHint} more` : "";
  return `Name a tag of ${familiarName(reference)} that is there: ${names.join(", ")}${more}.`;
}

/** @throws LadeError PLATFORM_NOT_FOUND, PLATFORM_INVALID */
function checkPlatform(
  store: Store,
  { id, name, wanted }: { readonly id: Digest; readonly name: string; readonly wanted: string },
): void {
  const platform = parsePlatform(wanted);
  const [os = "", architecture = "", variant] = (
    imageRow(store.database, id)?.platform ?? ""
  ).split("/");
  const offered: Platform = { os, architecture, ...(variant !== undefined && { variant }) };
  if (comparePlatforms(platform).matches(offered) || matchesWithoutVariant(platform, offered)) {
    return;
  }
  throw new LadeError(
    "PLATFORM_NOT_FOUND",
    `image with reference ${name} was found but its platform (${formatPlatform(offered)}) does not match the specified platform (${formatPlatform(platform)})`,
  );
}

/** Configs that name no variant are common, and then say nothing about it. */
function matchesWithoutVariant(wanted: Platform, offered: Platform): boolean {
  if (offered.variant !== undefined) return false;
  const want = normalizePlatform(wanted);
  const offer = normalizePlatform(offered);
  return want.os === offer.os && want.architecture === offer.architecture;
}
