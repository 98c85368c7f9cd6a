// SPDX-License-Identifier: Apache-2.0

import { type ListedImage, listedImages, parentImages } from "../content/image-list.ts";
import { findImage as imageRow } from "../content/images.ts";
import type { Store } from "../content/store.ts";
import { matchesReferencePattern } from "../spec/reference.ts";
import type { Engine } from "./engine.ts";
import { booleanFilter, collectFilters, type FilterValues, matchesLabels } from "./filters.ts";
import { findImage } from "./find-image.ts";
import { familiarNames, type ImageNames, storedReference, type WholeName } from "./names.ts";
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
  const selection = readSelection(store, options);
  const images = listedImages(store.database);
  const parents = parentImages(store.database);
  const summaries: ImageSummary[] = [];
  for (const image of images) {
    const isParent = parents.has(image[0]);
    if (!isSelected(selection, image, { isParent })) continue;
    const { repoTags, repoDigests } = selectNames(selection, image);
    if (!isSelectedByNames(selection, { repoTags, repoDigests, isParent })) continue;
    summaries.push(toSummary(image, { repoTags, repoDigests }));
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

/** Whether an image may be shown, whatever its names are. */
function isSelected(selection: Selection, image: ListedImage, facts: Facts): boolean {
  const { dangling, beforeNs, sinceNs, labels: wanted } = selection;
  if (dangling === true && facts.isParent) return false;
  if (beforeNs !== undefined || sinceNs !== undefined) {
    const createdNs = timeNs(image[1]);
    if (createdNs === undefined) return false;
    if (beforeNs !== undefined && createdNs >= beforeNs) return false;
    if (sinceNs !== undefined && createdNs <= sinceNs) return false;
  }
  return wanted.length === 0 || matchesLabels(parseLabels(image[5]), wanted);
}

function isSelectedByNames(selection: Selection, image: ImageNames & Facts): boolean {
  const { all, dangling, patterns } = selection;
  if (image.repoTags.length === 0 && image.repoDigests.length === 0) {
    return (all || !image.isParent) && dangling !== false && patterns === undefined;
  }
  return dangling !== true || image.repoTags.length === 0;
}

/** Familiar names, sorted; only those that match a pattern where there is one. */
function selectNames({ patterns }: Selection, image: ListedImage): ImageNames {
  const tags = splitList(image[6]);
  const digests = splitList(image[7]);
  if (patterns === undefined) {
    return { repoTags: familiarNames(tags), repoDigests: familiarNames(digests) };
  }
  const matches = (name: WholeName) => {
    const reference = storedReference(name);
    return patterns.some((pattern) => matchesReferencePattern(pattern, reference));
  };
  return {
    repoTags: familiarNames(tags.filter(matches)),
    repoDigests: familiarNames(digests.filter(matches)),
  };
}

const none: readonly string[] = [];

function splitList(list: string | null): readonly string[] {
  if (list === null) return none;
  // Most images have one name, and splitting costs more than looking.
  return list.includes(" ") ? list.split(" ") : [list];
}

/** By index: taking a list apart by a pattern is slow in code that runs for the first time. */
function toSummary(image: ListedImage, { repoTags, repoDigests }: ImageNames): ImageSummary {
  return {
    id: image[0],
    repoTags,
    repoDigests,
    parentId: image[4],
    created: image[1],
    size: image[3],
    labels: parseLabels(image[5]),
  };
}

function parseLabels(json: string): Readonly<Record<string, string>> {
  return json === "{}" ? {} : (JSON.parse(json) as Record<string, string>);
}
