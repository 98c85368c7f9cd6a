// SPDX-License-Identifier: Apache-2.0

/** What a store must hold, and whether it does. */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { allContainers } from "../../src/content/containers.ts";
import { openLease } from "../../src/content/lease.ts";
import { containerFolder } from "../../src/content/paths.ts";
import { checkStore } from "../../src/engine/check.ts";
import { checkIndexes } from "../../src/engine/check-indexes.ts";
import { type Engine, openEngine } from "../../src/engine/engine.ts";
import { pruneImages } from "../../src/engine/prune.ts";
import { sweepRemains } from "../../src/engine/sweep-remains.ts";
import type { CheckReport } from "../../src/engine/types.ts";

export interface StoreState {
  /** Full name to image ID; undefined: some image that is whole. */
  readonly tags: ReadonlyMap<string, string | undefined>;
  /** By name. */
  readonly containers: ReadonlyMap<string, WantedContainer>;
}

export interface WantedContainer {
  readonly image: string | undefined;
  /** Path below the root to the content's hash; undefined: whatever is there. */
  readonly files: ReadonlyMap<string, string | undefined>;
}

export const emptyState: StoreState = { tags: new Map(), containers: new Map() };

export function hashOfFile(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

export interface StorePlaces {
  readonly root: string;
  readonly runRoot: string;
  /** False for a disk on which names may come and go in any order, unlike on ext4 and XFS. */
  readonly isJournaled?: boolean;
}

export interface StoreReport {
  readonly problems: readonly string[];
  /** What is there, for going on from it. */
  readonly state: StoreState;
  readonly images: number;
}

/**
 * Does what the next command does after a crash, and holds the store against what it may be.
 *
 * @param wanted the states that are right: after the last command that reported success, and after
 *   the one that was under way
 */
export async function inspectStore(
  places: StorePlaces,
  wanted: readonly StoreState[],
): Promise<StoreReport> {
  let engine: Engine;
  try {
    engine = await openEngine({ root: places.root, runRoot: places.runRoot });
  } catch (error) {
    const problems = [`the store can't be opened: ${String(error)}`];
    return { problems, state: emptyState, images: 0 };
  }
  try {
    openLease(engine.store)[Symbol.dispose]();
    return await inspect(engine, wanted, places);
  } catch (error) {
    const problems = [`the store can't be used: ${String(error)}`];
    return { problems, state: emptyState, images: 0 };
  } finally {
    await engine[Symbol.asyncDispose]();
  }
}

async function inspect(
  engine: Engine,
  wanted: readonly StoreState[],
  places: StorePlaces,
): Promise<StoreReport> {
  const { store } = engine;
  const report = await checkAfterCrash(engine, places.isJournaled !== false);
  const problems = report.findings.map(({ kind, message }) => `${kind}: ${message}`);
  const left = readdirSync(store.paths.ingest);
  if (left.length > 0) problems.push(`left in ingest: ${left.join(", ")}`);
  const actual = actualState(engine);
  const right = wanted.find((state) => isLike(actual, state));
  if (right === undefined) {
    const texts = wanted.map(describeState).join("\n    or ");
    problems.push(`want ${texts}\n    got ${describeState(actual)}`);
  } else {
    problems.push(...fileProblems(engine, right));
  }
  const state = right === undefined ? actual : withFilesOf(actual, right);
  return { problems, state, images: report.images };
}

/** What is derived is not synced: it is sealed, and made again where its seal is wrong. */
const derivedKinds: ReadonlySet<string> = new Set([
  "index-damaged",
  "index-missing",
  "erofs-damaged",
  "erofs-missing",
]);
/** What is removed is not synced either, once its row is gone for good: it is in nobody's way. */
const leftoverKinds: ReadonlySet<string> = new Set(["container-folder-unknown"]);

/** Where the lease that named it was lost while it was not: it takes room until it is found. */
const strayKind = "blob-unrecorded";

/** @returns what is wrong and does not go away by itself */
async function checkAfterCrash(engine: Engine, isJournaled: boolean): Promise<CheckReport> {
  const found = await checkStore(engine, {});
  const kinds = new Set(found.findings.map(({ kind }) => kind));
  if (!isJournaled && kinds.has(strayKind)) {
    // A config whose layers are all there becomes an image without a name.
    await checkStore(engine, { repair: true });
    await pruneImages(engine, {});
    return await checkStore(engine, {});
  }
  const isHarmless = [...kinds].every((kind) => derivedKinds.has(kind) || leftoverKinds.has(kind));
  if (kinds.size === 0 || !isHarmless) return found;
  // As `system check --repair` and `container prune` do.
  await checkIndexes(engine.store, { repair: true });
  await sweepRemains(engine);
  return await checkStore(engine, {});
}

function actualState({ store }: Engine): StoreState {
  const tags = store.database.all<{ name: string; image: string }>(
    "SELECT repository || ':' || tag AS name, image FROM tag ORDER BY name",
  );
  const containers = allContainers(store.database).map((row): [string, WantedContainer] => [
    row.name,
    { image: row.image, files: new Map() },
  ]);
  return {
    tags: new Map(tags.map(({ name, image }) => [name, image])),
    containers: new Map(containers),
  };
}

function isLike(actual: StoreState, wanted: StoreState): boolean {
  const sameTags =
    actual.tags.size === wanted.tags.size &&
    [...wanted.tags].every(
      ([name, image]) =>
        actual.tags.has(name) && (image === undefined || actual.tags.get(name) === image),
    );
  const sameContainers =
    actual.containers.size === wanted.containers.size &&
    [...wanted.containers].every(([name, { image }]) => {
      const found = actual.containers.get(name);
      return found !== undefined && (image === undefined || found.image === image);
    });
  return sameTags && sameContainers;
}

/** Files that were copied into containers, in their upper folders. */
function fileProblems({ store }: Engine, wanted: StoreState): string[] {
  return allContainers(store.database).flatMap((row) => {
    const upper = join(containerFolder(store.paths, row.id), "upper");
    if (!existsSync(upper)) return [`container ${row.name}: its upper folder is gone`];
    const files = wanted.containers.get(row.name)?.files ?? new Map<string, string | undefined>();
    return [...files].flatMap(([path, hash]) => {
      if (hash === undefined) return [];
      const at = join(upper, path);
      if (!existsSync(at)) return [`container ${row.name}: ${path} is gone`];
      return hashOfFile(at) === hash ? [] : [`container ${row.name}: ${path} is damaged`];
    });
  });
}

/** What the wanted state knows of files that whole commands copied. */
function withFilesOf(actual: StoreState, wanted: StoreState): StoreState {
  const containers = [...actual.containers].map(([name, container]): [string, WantedContainer] => {
    const known = [...(wanted.containers.get(name)?.files ?? [])].filter(([, hash]) => hash);
    return [name, { ...container, files: new Map(known) }];
  });
  return { ...actual, containers: new Map(containers) };
}

export function describeState({ tags, containers }: StoreState): string {
  const short = (id: string | undefined) => id?.slice(7, 15) ?? "any";
  const tagText = [...tags].map(([name, id]) => `${name.split("/").at(-1)}=${short(id)}`);
  const boxText = [...containers].map(([name, { image }]) => `${name}(${short(image)})`);
  return `{${[...tagText, ...boxText].sort().join(" ")}}`;
}
