// SPDX-License-Identifier: Apache-2.0

/** Volumes and their folders: always made and removed together, inside one transaction. */

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { volumeDataFolder } from "../content/paths.ts";
import type { Store } from "../content/store.ts";
import {
  deleteVolumeRow,
  putVolume,
  usersOfVolume,
  type VolumeRow,
  volumeByName,
} from "../content/volumes.ts";
import { removeAll } from "../sys/remove-all.ts";
import { noteVolume } from "./container-events.ts";
import { randomBytes } from "./random.ts";
import { checkVolumeOptions } from "./volume-checks.ts";

/** Docker's mark on volumes that nobody named. */
export const anonymousLabel = "com.docker.volume.anonymous";

/** The labels that a volume gets; null for none, as Docker shows it. */
export function labelsOf(volume: {
  readonly isAnonymous: boolean;
  readonly labels: VolumeRow["labels"] | undefined;
}): VolumeRow["labels"] {
  if (volume.isAnonymous) return { ...volume.labels, [anonymousLabel]: "" };
  return volume.labels ?? null;
}

/**
 * Makes a volume with its folder, unless there is one of that name; inside a transaction, which
 * keeps the two together whoever else makes or removes one.
 *
 * @returns false where it was there
 * @throws LadeError CONTAINER_INVALID, UNSUPPORTED
 */
export function putNewVolume(store: Store, row: VolumeRow): boolean {
  if (volumeByName(store.database, row.name) !== undefined) return false;
  checkVolumeOptions(row.name, row.options ?? {});
  makeVolumeFolder(store, row.name);
  putVolume(store.database, row);
  noteVolume(store.database, row.name, "create");
  return true;
}

/** Makes the folder where it is missing, also where a power cut took it. */
export function makeVolumeFolder(store: Store, name: string): void {
  const folder = volumeDataFolder(store.paths, name);
  const around = join(store.paths.volumes, name);
  try {
    fs.mkdirSync(around, { recursive: true, mode: 0o701 });
    fs.mkdirSync(folder, { mode: 0o755 });
  } catch (error) {
    if (isSystemError(error, "EEXIST")) return;
    // Only where nothing is in it.
    if (fs.existsSync(around) && fs.readdirSync(around).length === 0) removeEmpty(around);
    throw ioError(error, `make volume ${folder}`);
  }
}

/**
 * Removes a volume that no container uses; inside a transaction. Its files go with the next
 * `removeRetired`.
 *
 * @returns false where it is used, or not there
 */
export function removeVolumeUnlessUsed(store: Store, name: string): boolean {
  const folder = join(store.paths.volumes, name);
  const isKnown = volumeByName(store.database, name) !== undefined;
  if (usersOfVolume(store.database, name).length > 0) return false;
  deleteVolumeRow(store.database, name);
  try {
    // Out of the way at once, so that a new volume may have the name while the files still go.
    fs.renameSync(folder, join(store.paths.volumes, retiredName(name)));
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw ioError(error, `remove volume ${folder}`);
  }
  if (isKnown) noteVolume(store.database, name, "destroy");
  return isKnown;
}

const retiredPrefix = ".removed-";

function retiredName(volume: string): string {
  const hex = Buffer.from(randomBytes(8).buffer).toString("hex");
  return `${retiredPrefix}${hex}-${volume}`;
}

/**
 * Brings back the files of volumes whose removal was never committed, since its command was killed
 * or its disk failed: the row is there still, and so must be what it is about.
 */
export function restoreRetired(store: Store): void {
  if (!listVolumes(store).some((name) => name.startsWith(retiredPrefix))) return;
  // Whoever is removing one has the transaction: this waits for its end.
  store.database.transaction(() => {
    for (const name of listVolumes(store)) {
      const [, volume] = /^\.removed-[0-9a-f]+-(.+)$/.exec(name) ?? [];
      if (volume === undefined || volumeByName(store.database, volume) === undefined) continue;
      const folder = join(store.paths.volumes, volume);
      if (!fs.existsSync(folder)) restoreFolder(join(store.paths.volumes, name), folder);
    }
  });
}

function restoreFolder(from: string, to: string): void {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    throw ioError(error, `bring back volume ${to}`);
  }
}

/** Removes the files of volumes that are gone, also what a killed command left. */
export function removeRetired(store: Store): void {
  restoreRetired(store);
  const names = listVolumes(store);
  for (const name of names.filter((each) => each.startsWith(retiredPrefix))) {
    const path = join(store.paths.volumes, name);
    try {
      removeAll(path);
    } catch (error) {
      throw ioError(error, `remove ${path}`);
    }
  }
}

/**
 * Removes empty folders of volumes that the database does not know: a killed command made them, and
 * nobody can have put anything into them. One with files is left for `system check --repair`.
 */
export function removeUnrecordedFolders(store: Store): void {
  const isUnknown = (name: string) =>
    !name.startsWith(".") && volumeByName(store.database, name) === undefined;
  if (!listVolumes(store).some(isUnknown)) return;
  // Inside a transaction, as they are made: nobody is between the folder and the row meanwhile.
  store.database.transaction(() => {
    for (const name of listVolumes(store).filter(isUnknown)) {
      removeEmpty(volumeDataFolder(store.paths, name));
      removeEmpty(join(store.paths.volumes, name));
    }
  });
}

function removeEmpty(folder: string): void {
  try {
    fs.rmdirSync(folder);
  } catch (error) {
    const isExpected = ["ENOENT", "ENOTEMPTY", "ENOTDIR"].some((code) =>
      isSystemError(error, code),
    );
    if (!isExpected) throw ioError(error, `remove volume ${folder}`);
  }
}

function listVolumes(store: Store): string[] {
  try {
    return fs.readdirSync(store.paths.volumes);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return [];
    throw ioError(error, `read ${store.paths.volumes}`);
  }
}
