// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { type Digest, shortId } from "../spec/digest.ts";
import {
  comparePlatforms,
  comparePlatformsStrictly,
  formatPlatform,
  hostPlatform,
  type Platform,
} from "../spec/platform.ts";
import { familiarString, type Reference } from "../spec/reference.ts";
import { formatOf, refuseDirTransport, refuseFilesystem, unrecognized } from "./detect.ts";
import type { ArchivedImage, ArchivedImages } from "./image.ts";
import type { MemberSet } from "./member.ts";
import { readDockerImages } from "./read-docker.ts";
import { type OciEntry, readOciEntries } from "./read-oci.ts";
import { readV1Images } from "./read-v1.ts";

export interface ReadOptions {
  /** The platforms to take; the host's, or the only one there is, where undefined. */
  readonly platforms: readonly Platform[] | undefined;
  /** Take every platform, to list what is there. */
  readonly takesAll?: boolean;
}

/**
 * The images of an archive or folder, of any known maker.
 *
 * `manifest.json` and `index.json` of one archive are merged: Docker leaves untagged images out of
 * the second when others have tags, and only the second has manifests and other platforms.
 *
 * @throws LadeError ARCHIVE_IS_FILESYSTEM, ARCHIVE_UNRECOGNIZED, UNSUPPORTED for a `dir:` folder,
 *   PLATFORM_NOT_FOUND, and what the readers of the formats throw
 */
export function readImages(members: MemberSet, options: ReadOptions): ArchivedImages {
  refuseFilesystem(members);
  refuseDirTransport(members);
  switch (formatOf(members)) {
    case "docker-legacy":
      return { images: readV1Images(members), warnings: [] };
    case "docker-archive":
      return { images: choose(readDockerImages(members), options), warnings: [] };
    case "oci-layout": {
      const { entries, warnings, others } = readOciEntries(members);
      if (entries.length === 0 && others[0] !== undefined) throw others[0];
      return { images: chooseFromEntries(entries, members.place, options), warnings };
    }
    case "docker-archive+oci-layout":
      return mergeBoth(members, options);
    default:
      throw unrecognized(members);
  }
}

function mergeBoth(members: MemberSet, options: ReadOptions): ArchivedImages {
  const { entries, warnings } = readOciEntries(members);
  const fromIndex = chooseFromEntries(entries, members.place, options);
  const others = new Set(entries.flatMap((entry) => entry.images.map((one) => one.image.id)));
  const merged = new Map(fromIndex.map((image) => [image.id, image]));
  const owners = ownersOfNames(fromIndex);
  for (const image of readDockerImages(members)) {
    const known = merged.get(image.id);
    // A platform that the index has and that was not chosen.
    if (known === undefined && (others.has(image.id) || !isWanted(image, options))) continue;
    refuseOtherOwner(image, owners, members.place);
    const references = known === undefined ? image.references : union(known, image);
    merged.set(image.id, { ...(known ?? image), parent: image.parent, references });
  }
  return { images: [...merged.values()], warnings };
}

/** The images that have a name; more than one where several platforms were asked for. */
function ownersOfNames(images: readonly ArchivedImage[]): Map<string, Set<Digest>> {
  const owners = new Map<string, Set<Digest>>();
  for (const { id, references } of images) {
    for (const name of references.map(familiarString)) {
      owners.set(name, (owners.get(name) ?? new Set()).add(id));
    }
  }
  return owners;
}

/** @throws LadeError ARCHIVE_AMBIGUOUS: which image counts would depend on the reader */
function refuseOtherOwner(
  image: ArchivedImage,
  owners: ReadonlyMap<string, ReadonlySet<Digest>>,
  place: string,
): void {
  for (const name of image.references.map(familiarString)) {
    const ids = owners.get(name);
    if (ids === undefined || ids.has(image.id)) continue;
    throw new LadeError(
      "ARCHIVE_AMBIGUOUS",
      `${place}: ${name} is image ${[...ids].map(shortId).join(", ")} in index.json, but ${shortId(image.id)} in manifest.json`,
      { hint: "No sound image archive says both: do not trust where it comes from." },
    );
  }
}

function union(a: ArchivedImage, b: ArchivedImage): Reference[] {
  const names = new Map<string, Reference>();
  // The order of manifest.json is the one that Docker reports.
  for (const reference of [...b.references, ...a.references]) {
    names.set(familiarString(reference), reference);
  }
  return [...names.values()];
}

/** Docker archives hold one platform of each image; any is taken unless one was asked for. */
function choose(images: readonly ArchivedImage[], options: ReadOptions): ArchivedImage[] {
  const wanted = images.filter((image) => isWanted(image, options));
  if (images.length > 0 && wanted.length === 0) {
    throw notFound(images[0] as ArchivedImage, images, options.platforms ?? []);
  }
  return wanted;
}

function isWanted(image: ArchivedImage, options: ReadOptions): boolean {
  if (options.platforms === undefined) return true;
  return options.platforms.some((platform) =>
    comparePlatformsStrictly(platform).matches(image.config),
  );
}

function chooseFromEntries(
  entries: readonly OciEntry[],
  place: string,
  options: ReadOptions,
): ArchivedImage[] {
  const chosen = new Map<string, ArchivedImage>();
  for (const entry of entries) {
    for (const image of chooseOfEntry(entry, place, options)) {
      const known = chosen.get(image.id);
      const named = { ...image, references: entry.references };
      chosen.set(image.id, known === undefined ? named : joined(known, named));
    }
  }
  return [...chosen.values()];
}

/** Two names, or two manifests, of one image. */
function joined(a: ArchivedImage, b: ArchivedImage): ArchivedImage {
  const manifests = [...a.manifests, ...b.manifests];
  const byDigest = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
  return {
    ...a,
    references: union(b, a),
    manifests: [...byDigest.values()],
    index: a.index ?? b.index,
    indexDigests: [...new Set([...a.indexDigests, ...b.indexDigests])],
  };
}

function chooseOfEntry(entry: OciEntry, place: string, options: ReadOptions): ArchivedImage[] {
  const { images } = entry;
  if (options.takesAll === true) return images.map((one) => one.image);
  if (options.platforms !== undefined) {
    return options.platforms.map((platform) => {
      const order = comparePlatformsStrictly(platform);
      const found = images.find((one) => order.matches(one.platform));
      if (found === undefined) throw missingPlatform(entry, place, [platform]);
      return found.image;
    });
  }
  const order = comparePlatforms(hostPlatform());
  const runnable = images.filter((one) => order.matches(one.platform));
  runnable.sort((a, b) => order.compare(a.platform, b.platform));
  const best = runnable[0] ?? (images.length === 1 ? images[0] : undefined);
  if (best === undefined) throw missingPlatform(entry, place, [hostPlatform()]);
  return [best.image];
}

function missingPlatform(entry: OciEntry, place: string, wanted: readonly Platform[]): LadeError {
  const name = entry.references[0] === undefined ? place : familiarString(entry.references[0]);
  return platformError(
    name,
    entry.images.map((one) => one.platform),
    wanted,
  );
}

function notFound(
  image: ArchivedImage,
  images: readonly ArchivedImage[],
  wanted: readonly Platform[],
): LadeError {
  const reference = image.references[0];
  return platformError(
    reference === undefined ? image.place : familiarString(reference),
    images.map((one) => one.config),
    wanted,
  );
}

function platformError(
  name: string,
  offered: readonly Platform[],
  wanted: readonly Platform[],
): LadeError {
  const list = (platforms: readonly Platform[]) => platforms.map(formatPlatform).join(", ");
  return new LadeError(
    "PLATFORM_NOT_FOUND",
    `image ${name} was found, but doesn't provide the requested platform (${list(wanted)})`,
    { hint: `It has ${list(offered)}: choose with --platform.` },
  );
}
