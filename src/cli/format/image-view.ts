// SPDX-License-Identifier: Apache-2.0

import type { ImageSummary } from "../../engine/types.ts";
import { goTime, humanSize, parseTime, shortId, timeAgo, type ZoneAt } from "./human.ts";
import type { ListView } from "./list-view.ts";

/** One name of an image; an image with several names has several rows. */
export interface ImageRow {
  readonly image: ImageSummary;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  /** Bytes shared with other images; undefined where it was not worked out. */
  readonly sharedSize?: number;
  /** How many containers were made from it; undefined where that was not counted. */
  readonly containers?: number;
}

const none = "<none>";

export interface ImageRowsOptions {
  /** A row for each digest of a repository, not only for each tag. */
  readonly hasDigests: boolean;
}

/** The rows of an image, by the rules of Docker's list. */
export function imageRows(image: ImageSummary, { hasDigests }: ImageRowsOptions): ImageRow[] {
  if (image.repoTags.length === 1 && image.repoDigests.length === 0) {
    // Most images are like that, and grouping costs more than all else that a long list needs.
    const name = splitTag(image.repoTags[0] as string);
    return [{ image, repository: name[0], tag: name[1], digest: none }];
  }
  const tags = groupNames(image.repoTags, splitTag);
  const digests = groupNames(image.repoDigests, splitDigest);
  const rows: ImageRow[] = [];
  for (const [repository, ownTags] of tags) {
    const ownDigests = hasDigests ? (digests.get(repository) ?? [none]) : [none];
    for (const tag of ownTags) {
      for (const digest of ownDigests) rows.push({ image, repository, tag, digest });
    }
  }
  for (const [repository, ownDigests] of digests) {
    if (tags.has(repository)) continue;
    const shown = hasDigests ? ownDigests : [""];
    for (const digest of shown) rows.push({ image, repository, tag: none, digest });
  }
  if (rows.length > 0) return rows;
  return [{ image, repository: none, tag: none, digest: none }];
}

type NameParts = readonly [repository: string, rest: string];

function groupNames(
  names: readonly string[],
  split: (name: string) => NameParts,
): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const [repository, rest] = split(name);
    const group = groups.get(repository);
    if (group === undefined) groups.set(repository, [rest]);
    else group.push(rest);
  }
  return groups;
}

/** Splits `localhost:5000/app:v1`, whose first colon is a port's. */
export function splitTag(name: string): NameParts {
  const colon = name.lastIndexOf(":");
  if (colon <= name.lastIndexOf("/")) return [name, "latest"];
  return [name.slice(0, colon), name.slice(colon + 1)];
}

function splitDigest(name: string): NameParts {
  const at = name.indexOf("@");
  return at === -1 ? [name, none] : [name.slice(0, at), name.slice(at + 1)];
}

export interface ImageViewOptions {
  readonly isTruncated: boolean;
  readonly hasDigests: boolean;
  readonly nowMs: number;
  readonly zoneAt: ZoneAt;
}

/** The fields of an image's row; Docker's names and texts. */
export function imageView(options: ImageViewOptions): ListView<ImageRow> {
  const { isTruncated, hasDigests, nowMs, zoneAt } = options;
  return {
    goType: "*formatter.imageContext",
    fields: {
      ID: ({ image }) => (isTruncated ? shortId(image.id) : image.id),
      Repository: (row) => row.repository,
      Tag: (row) => row.tag,
      Digest: (row) => row.digest,
      CreatedSince: ({ image }) => {
        const createdMs = parseTime(image.created);
        return createdMs === undefined ? "" : timeAgo(createdMs, nowMs);
      },
      CreatedAt: ({ image }) => goTime(parseTime(image.created), zoneAt),
      Size: ({ image }) => humanSize(image.size, 3),
      // Docker works these out for `system df` only.
      Containers: ({ containers }) => (containers === undefined ? "N/A" : String(containers)),
      SharedSize: ({ sharedSize }) => (sharedSize === undefined ? "N/A" : humanSize(sharedSize)),
      UniqueSize: ({ image, sharedSize }) =>
        sharedSize === undefined ? "N/A" : humanSize(image.size - sharedSize),
      VirtualSize: ({ image }) => humanSize(image.size),
    },
    headers: imageHeaders,
    columns: ["Repository", "Tag", ...(hasDigests ? ["Digest"] : []), "ID", "CreatedSince", "Size"],
    placeholders: { CreatedSince: "N/A" },
  };
}

const imageHeaders = {
  ID: "IMAGE ID",
  Repository: "REPOSITORY",
  Tag: "TAG",
  Digest: "DIGEST",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  Size: "SIZE",
  Containers: "CONTAINERS",
  SharedSize: "SHARED SIZE",
  UniqueSize: "UNIQUE SIZE",
  VirtualSize: "VIRTUAL SIZE",
} as const;
