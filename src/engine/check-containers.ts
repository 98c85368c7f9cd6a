// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { allContainers, containerById } from "../content/containers.ts";
import { containerFolder, volumeDataFolder } from "../content/paths.ts";
import { allVolumes, putVolume, volumeByName } from "../content/volumes.ts";
import { withFreeContainerLock } from "./container-lock.ts";
import type { Engine } from "./engine.ts";
import { sweepContainerFolder } from "./sweep-remains.ts";
import type { CheckFinding } from "./types.ts";
import { labelsOf, restoreRetired } from "./volume-folders.ts";

/**
 * Holds the rows of containers and volumes against their folders.
 *
 * With `repair`, volumes without a row get one, and folders of containers that never came go. What
 * a lost container wrote stays: only its row says what belongs to it, but somebody may want it.
 */
export async function checkContainers(
  engine: Engine,
  options: { readonly repair: boolean },
): Promise<CheckFinding[]> {
  return [
    ...missingFolders(engine),
    ...(await unknownContainers(engine, options)),
    ...unknownVolumes(engine, options),
  ];
}

/** Rows are looked up again, under the transaction's lock: what is being removed loses both. */
function missingFolders({ store }: Engine): CheckFinding[] {
  const { database, paths } = store;
  // As any command does that uses one of them.
  restoreRetired(store);
  const containers = allContainers(database).map(({ id }) => ({
    kind: "container-folder-missing",
    subject: id,
    path: containerFolder(paths, id),
    isKnown: () => containerById(database, id) !== undefined,
  }));
  const volumes = allVolumes(database).map(({ name }) => ({
    kind: "volume-folder-missing",
    subject: name,
    path: volumeDataFolder(paths, name),
    isKnown: () => volumeByName(database, name) !== undefined,
  }));
  return [...containers, ...volumes].flatMap(({ kind, subject, path, isKnown }) => {
    if (fs.existsSync(path)) return [];
    const isMissing = database.transaction(() => isKnown() && !fs.existsSync(path));
    return isMissing ? [{ kind, subject, message: `${path} is not there`, repaired: false }] : [];
  });
}

async function unknownContainers(
  engine: Engine,
  options: { readonly repair: boolean },
): Promise<CheckFinding[]> {
  const { database, paths } = engine.store;
  const findings: CheckFinding[] = [];
  for (const id of listFolder(paths.containers)) {
    const folder = containerFolder(paths, id);
    const isUnknown = () => containerById(database, id) === undefined && fs.existsSync(folder);
    // Who is just making or removing it has its lock.
    const found = isUnknown() && (await withFreeContainerLock(engine, id, async () => isUnknown()));
    if (found !== true) continue;
    const isEmpty = listFolder(`${folder}/upper`).length === 0;
    if (options.repair && isEmpty) await sweepContainerFolder(engine, id);
    findings.push({
      kind: "container-folder-unknown",
      subject: id,
      message: isEmpty
        ? `${folder} belongs to no container`
        : `${folder} has files of a container that the database does not know`,
      repaired: options.repair && isEmpty,
    });
  }
  return findings;
}

function unknownVolumes({ store }: Engine, options: { readonly repair: boolean }): CheckFinding[] {
  const { database, paths } = store;
  return listFolder(paths.volumes).flatMap((name) => {
    // Names begin with a letter or a digit; what begins with a dot is on its way out.
    if (name.startsWith(".")) return [];
    const path = volumeDataFolder(paths, name);
    return database.transaction((): CheckFinding[] => {
      if (volumeByName(database, name) !== undefined || !fs.existsSync(path)) return [];
      // A command that was killed before its volume was recorded: nothing came in yet.
      if (listFolder(path).length === 0) return [];
      if (options.repair) {
        const isAnonymous = /^[0-9a-f]{64}$/.test(name);
        const labels = labelsOf({ isAnonymous, labels: undefined });
        putVolume(database, { name, createdMs: Date.now(), isAnonymous, labels, options: null });
      }
      const message = `${path} has files of a volume that the database does not know`;
      return [{ kind: "volume-unrecorded", subject: name, message, repaired: options.repair }];
    });
  });
}

function listFolder(path: string): string[] {
  try {
    return fs.readdirSync(path);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return [];
    throw ioError(error, `read ${path}`);
  }
}
