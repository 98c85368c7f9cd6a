// SPDX-License-Identifier: Apache-2.0

import { type ListedRow, listedDigests, listedRows, listedTags } from "../content/image-list.ts";
import { findImage as imageRow, type RepositoryDigest, type TagName } from "../content/images.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
import { matchesReferencePattern } from "../spec/reference.ts";
import type { Engine } from "./engine.ts";
import { booleanFilter, collectFilters, type FilterValues, matchesLabels } from "./filters.ts";
import { findImage } from "./find-image.ts";
import { familiarNames, joinDigests, storedReference } from "./names.ts";
import { parseTimestamp, timeNs } from "./timestamp.ts";
import type { ImageSummary, ListImagesOptions } from "./types.ts";

const filterNames = ["dangling", "label", "before", "since", "reference", "until"];

/**
 * Lists images, newest first, with Docker's rules for what is shown.
 *
 * Source: `Images` of moby 28 (daemon/images).
 *
 * @throws LadeError FILTER_INVALID, IMAGE_NOT_FOUND for the image of `before` or `since`
 */
export async function listImages(
  engine: Engine,
  options: ListImagesOptions = {},
): Promise<readonly ImageSummary[]> {
  const { store } = engine;
  const { database } = store;
  const selection = readSelection(store, options);
  const rows = listedRows(database);
  const tags = groupByImage(listedTags(database));
  const digests = groupByImage(listedDigests(database));
  const parents = new Set<string>(rows.map((row) => row.parent));
  const summaries: ImageSummary[] = [];
  for (const row of rows) {
    const isParent = parents.has(row.id);
    if (!isSelectedByRow(selection, row, { isParent })) continue;
    const names = selectNames(selection, tags.get(row.id) ?? [], digests.get(row.id) ?? []);
    if (!isSelectedByNames(selection, names, { isParent })) continue;
    summaries.push({
      id: row.id,
      ...names,
      parentId: row.parent,
      created: row.created,
      size: row.size,
      labels: parseLabels(row),
    });
  }
  return summaries;
}

/** What was asked for. */
interface Selection {
  readonly all: boolean;
  readonly dangling: boolean | undefined;
  readonly labels: readonly string[];
  /** Patterns, of which a name must match one; undefined where any name will do. */
  readonly patterns: readonly string[] | undefined;
  /** Nanoseconds since 1970: only images made before. */
  readonly beforeNs: bigint | undefined;
  readonly sinceNs: bigint | undefined;
}

function readSelection(store: Store, options: ListImagesOptions): Selection {
  const given = [...(options.filters ?? [])];
  if (options.pattern) given.push({ key: "reference", value: options.pattern });
  const filters = collectFilters(given, filterNames);
  const untils = (filters.get("until") ?? []).map((text) => parseTimestamp(text, Date.now()));
  // Several values narrow each other down: the oldest of all ends, the newest of all starts.
  return {
    all: options.all === true,
    dangling: booleanFilter(filters, "dangling"),
    labels: filters.get("label") ?? [],
    patterns: filters.get("reference"),
    beforeNs: [...imageTimes(store, filters, "before"), ...untils].reduce(earlier, undefined),
    sinceNs: imageTimes(store, filters, "since").reduce(later, undefined),
  };
}

/** When the images that a filter names were made; one without a date sets no bound. */
function imageTimes(store: Store, filters: FilterValues, key: "before" | "since"): bigint[] {
  return (filters.get(key) ?? []).flatMap((name) => {
    const row = imageRow(store.database, findImage(store, name));
    return timeNs(row?.created ?? "") ?? [];
  });
}

function earlier(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b < a ? b : a;
}

function later(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b > a ? b : a;
}

interface Facts {
  /** It is the parent of another image. */
  readonly isParent: boolean;
}

function isSelectedByRow(selection: Selection, row: ListedRow, { isParent }: Facts): boolean {
  const { dangling, beforeNs, sinceNs, labels } = selection;
  if (dangling === true && isParent) return false;
  if (beforeNs !== undefined || sinceNs !== undefined) {
    const createdNs = timeNs(row.created);
    if (createdNs === undefined) return false;
    if (beforeNs !== undefined && createdNs >= beforeNs) return false;
    if (sinceNs !== undefined && createdNs <= sinceNs) return false;
  }
  return labels.length === 0 || matchesLabels(parseLabels(row), labels);
}

type Names = Pick<ImageSummary, "repoTags" | "repoDigests">;

function isSelectedByNames(selection: Selection, names: Names, { isParent }: Facts): boolean {
  const { all, dangling, patterns } = selection;
  if (names.repoTags.length === 0 && names.repoDigests.length === 0) {
    return (all || !isParent) && dangling !== false && patterns === undefined;
  }
  return dangling !== true || names.repoTags.length === 0;
}

/** Familiar names, sorted; only those that match a pattern where there is one. */
function selectNames(
  { patterns }: Selection,
  tags: readonly TagName[],
  digests: readonly RepositoryDigest[],
): Names {
  const joined = digests.length === 0 ? digests : joinListed(tags, digests);
  if (patterns === undefined) {
    return { repoTags: familiarNames(tags), repoDigests: familiarNames(joined) };
  }
  const matches = (row: TagName | RepositoryDigest) => {
    const reference = storedReference(row);
    return patterns.some((pattern) => matchesReferencePattern(pattern, reference));
  };
  return {
    repoTags: familiarNames(tags.filter(matches)),
    repoDigests: familiarNames(joined.filter(matches)),
  };
}

function joinListed(
  tags: readonly TagName[],
  digests: readonly RepositoryDigest[],
): readonly RepositoryDigest[] {
  const stored = digests.filter((row) => row.repository !== "");
  const manifests = digests.flatMap((row) => (row.repository === "" ? row.digest : []));
  return joinDigests(stored, tags, manifests);
}

function parseLabels({ labels }: ListedRow): Readonly<Record<string, string>> {
  return labels === "{}" ? {} : (JSON.parse(labels) as Record<string, string>);
}

function groupByImage<T extends { readonly image: Digest }>(rows: readonly T[]): Map<Digest, T[]> {
  const groups = new Map<Digest, T[]>();
  for (const row of rows) {
    const group = groups.get(row.image);
    if (group === undefined) groups.set(row.image, [row]);
    else group.push(row);
  }
  return groups;
}
