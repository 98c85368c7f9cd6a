// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { volumeDataFolder } from "../content/paths.ts";
import type { Store } from "../content/store.ts";
import {
  allVolumes,
  usersOfVolume,
  type VolumeRow,
  volumeByName,
  volumeUses,
} from "../content/volumes.ts";
import { treeSize } from "./container-size.ts";
import type { CreateVolumeOptions, PruneVolumesReport, VolumeDocument } from "./container-types.ts";
import type { Engine } from "./engine.ts";
import { booleanFilter, collectFilters, matchesLabels } from "./filters.ts";
import { matchesText } from "./match-text.ts";
import { pruneTest } from "./prune-test.ts";
import { notePrune } from "./quiet-event.ts";
import { randomId } from "./random.ts";
import type { Filter } from "./types.ts";
import { checkVolumeDriver, checkVolumeName, checkVolumeOptions } from "./volume-checks.ts";
import {
  anonymousLabel,
  labelsOf,
  putNewVolume,
  removeRetired,
  removeVolumeUnlessUsed,
} from "./volume-folders.ts";
import { unmountVolume } from "./volume-mounts.ts";

/**
 * Makes a volume; one of that name that is there stays as it is.
 *
 * @throws LadeError CONTAINER_INVALID for a name or options that it can't have, VOLUME_NOT_FOUND
 *   for a driver that lade does not have, UNSUPPORTED
 */
export async function createVolume(
  engine: Engine,
  options: CreateVolumeOptions = {},
): Promise<VolumeDocument> {
  const { store } = engine;
  const { driver = "", labels, options: given = {} } = options;
  const isAnonymous = !options.name;
  const name = options.name || randomId();
  checkVolumeName(name);
  checkVolumeDriver(driver || "local", `create ${name}: `);
  checkVolumeOptions(name, given);
  const hasOptions = Object.keys(given).length > 0;
  store.database.transaction(() =>
    putNewVolume(store, {
      name,
      createdMs: Date.now(),
      isAnonymous,
      labels: labelsOf({ isAnonymous, labels }),
      options: hasOptions ? given : null,
    }),
  );
  return toDocument(store, findVolume(store, name, "get"));
}

function findVolume(store: Store, name: string, work: string): VolumeRow {
  const row = volumeByName(store.database, name);
  if (row !== undefined) return row;
  throw new LadeError("VOLUME_NOT_FOUND", `${work} ${name}: no such volume`);
}

function toDocument({ paths }: Store, row: VolumeRow): VolumeDocument {
  return {
    CreatedAt: new Date(row.createdMs).toISOString().replace(/\.\d+Z$/, "Z"),
    Driver: "local",
    Labels: row.labels,
    Mountpoint: volumeDataFolder(paths, row.name),
    Name: row.name,
    Options: row.options,
    Scope: "local",
  };
}

/** @throws LadeError VOLUME_NOT_FOUND */
export async function inspectVolume(engine: Engine, name: string): Promise<VolumeDocument> {
  return toDocument(engine.store, findVolume(engine.store, name, "get"));
}

/**
 * Lists volumes by name.
 *
 * @throws LadeError FILTER_INVALID
 */
export async function listVolumes(
  engine: Engine,
  filters: readonly Filter[] = [],
): Promise<readonly VolumeDocument[]> {
  const { store } = engine;
  const values = collectFilters(filters, ["dangling", "driver", "label", "name"]);
  const isDangling = booleanFilter(values, "dangling");
  const uses = isDangling === undefined ? undefined : volumeUses(store.database);
  const names = values.get("name");
  const drivers = values.get("driver");
  return allVolumes(store.database)
    .filter((row) => isDangling === undefined || !uses?.has(row.name) === isDangling)
    .filter((row) => names === undefined || names.some((name) => matchesText(name, row.name)))
    .filter(() => drivers === undefined || drivers.includes("local"))
    .filter((row) => matchesLabels(row.labels ?? {}, values.get("label") ?? []))
    .map((row) => toDocument(store, row));
}

/**
 * Removes a volume with its files.
 *
 * @param options.force one that is not there is fine
 * @throws LadeError VOLUME_NOT_FOUND, VOLUME_IN_USE
 */
export async function removeVolume(
  engine: Engine,
  name: string,
  options: { readonly force?: boolean } = {},
): Promise<void> {
  const { store } = engine;
  const { database } = store;
  if (options.force === true && volumeByName(database, name) === undefined) return;
  findVolume(store, name, "get");
  if (usersOfVolume(database, name).length === 0) unmountVolume(engine, name);
  database.transaction(() => {
    findVolume(store, name, "get");
    const users = usersOfVolume(database, name);
    if (users.length > 0) {
      throw new LadeError(
        "VOLUME_IN_USE",
        `remove ${name}: volume is in use - [${users.join(", ")}]`,
        { hint: "Remove the containers first." },
      );
    }
    removeVolumeUnlessUsed(store, name);
  });
  removeRetired(store);
}

/**
 * Removes volumes that no container uses: anonymous ones, or all with the filter `all`.
 *
 * @throws LadeError FILTER_INVALID
 */
export async function pruneVolumes(
  engine: Engine,
  filters: readonly Filter[] = [],
): Promise<PruneVolumesReport> {
  const { store } = engine;
  const isAll = wantsAll(filters);
  const others = filters.filter(({ key }) => key !== "all");
  if (others.some(({ key }) => key === "until")) {
    throw new LadeError("FILTER_INVALID", "invalid filter 'until'");
  }
  const isWanted = pruneTest(others);
  const volumesDeleted: string[] = [];
  let spaceReclaimed = 0;
  for (const row of allVolumes(store.database)) {
    const labels = row.labels ?? {};
    const isAnonymous = Object.hasOwn(labels, anonymousLabel);
    // What is a mount of something else is not lade's to remove.
    if (row.options !== null || (!isAll && !isAnonymous)) continue;
    if (!isWanted({ createdMs: row.createdMs, labels })) continue;
    const size = treeSize(volumeDataFolder(store.paths, row.name));
    const isGone = store.database.transaction(() => removeVolumeUnlessUsed(store, row.name));
    if (!isGone) continue;
    volumesDeleted.push(row.name);
    spaceReclaimed += size;
  }
  removeRetired(store);
  notePrune(store.database, "volume", spaceReclaimed);
  return { volumesDeleted, spaceReclaimed };
}

function wantsAll(filters: readonly Filter[]): boolean {
  const values = filters.filter(({ key }) => key === "all").map(({ value }) => value);
  if (values.length === 0) return false;
  if (values.length > 1) {
    throw new LadeError(
      "FILTER_INVALID",
      `invalid filter 'all=[${values.join(" ")}]': only one value is expected`,
    );
  }
  return booleanFilter(new Map([["all", values]]), "all") === true;
}
