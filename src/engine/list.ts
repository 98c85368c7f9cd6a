// SPDX-License-Identifier: Apache-2.0

import {
  type ListedImage,
  labelsOfImages,
  listedImages,
  parentImages,
} from "../content/image-list.ts";
import { findImage as imageRow } from "../content/images.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
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
  const { all, pattern } = options;
  // Filters may tell times by how long ago they are.
  if ((options.filters ?? []).length > 0) return select(store, options);
  return store.database.remember(`images ${JSON.stringify({ all, pattern })}`, () =>
    select(store, options),
  );
}

function select(store: Store, options: ListImagesOptions): readonly ImageSummary[] {
  const selection = readSelection(store, options);
  const images = listedImages(store.database);
  const parents = parentImages(store.database);
  const summaries: ImageSummary[] = [];
  for (const image of images) {
    if (!isSelected(selection, image, parents)) continue;
    const names = selectNames(selection, image);
    if (!isSelectedByNames(selection, names, () => parents.has(image[0]))) continue;
    summaries.push(toSummary(image, names));
  }
  return summaries;
}

/** What was asked for. */
interface Selection {
  readonly all: boolean;
  readonly dangling: boolean | undefined;
  readonly hasLabels: ((id: Digest) => boolean) | undefined;
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
    hasLabels: labelTest(store, filters.get("label")),
    patterns: filters.get("reference"),
    beforeNs: [...imageTimes(store, filters, "before"), ...untils].reduce(earlier, undefined),
    sinceNs: imageTimes(store, filters, "since").reduce(later, undefined),
  };
}

/** Labels are read only where they are asked for: they are most of what is stored of an image. */
function labelTest(
  store: Store,
  wanted: readonly string[] | undefined,
): ((id: Digest) => boolean) | undefined {
  if (wanted === undefined) return undefined;
  const labels = labelsOfImages(store.database);
  return (id) => matchesLabels(labels.get(id) ?? {}, wanted);
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

/** Whether an image may be shown, whatever its names are. */
function isSelected(
  selection: Selection,
  image: ListedImage,
  parents: ReadonlySet<string>,
): boolean {
  const { dangling, beforeNs, sinceNs, hasLabels } = selection;
  if (dangling === true && parents.has(image[0])) return false;
  if (beforeNs !== undefined || sinceNs !== undefined) {
    const createdNs = timeNs(image[1]);
    if (createdNs === undefined) return false;
    if (beforeNs !== undefined && createdNs >= beforeNs) return false;
    if (sinceNs !== undefined && createdNs <= sinceNs) return false;
  }
  return hasLabels === undefined || hasLabels(image[0]);
}

function isSelectedByNames(
  { all, dangling, patterns }: Selection,
  { repoTags, repoDigests }: ImageNames,
  isParent: () => boolean,
): boolean {
  if (repoTags.length === 0 && repoDigests.length === 0) {
    return (all || !isParent()) && dangling !== false && patterns === undefined;
  }
  return dangling !== true || repoTags.length === 0;
}

/** Familiar names, sorted; only those that match a pattern where there is one. */
function selectNames({ patterns }: Selection, image: ListedImage): ImageNames {
  const tags = splitList(image[4]);
  const digests = splitList(image[5]);
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
  return { id: image[0], repoTags, repoDigests, created: image[1], size: image[3] };
}
