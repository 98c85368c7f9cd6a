// SPDX-License-Identifier: Apache-2.0

/** Volumes as containers use them: made with a container, filled from its image, gone with it. */

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import type { ContainerRow } from "../content/containers.ts";
import { volumeDataFolder } from "../content/paths.ts";
import type { Store } from "../content/store.ts";
import { holdVolume } from "../content/volumes.ts";
import { withMountedRootfs } from "./container-rootfs.ts";
import type { Engine } from "./engine.ts";
import type { WantedMount } from "./mount-specs.ts";
import { labelsOf, putNewVolume, removeRetired, removeVolumeUnlessUsed } from "./volume-folders.ts";
import { withMountedVolume } from "./volume-mounts.ts";

/**
 * Makes what a new container needs of volumes, and notes that it uses them; inside the transaction
 * that makes the container.
 *
 * @returns names of the volumes that were not there before
 */
export function recordVolumes(
  store: Store,
  row: ContainerRow,
  mounts: readonly WantedMount[],
): string[] {
  const made: string[] = [];
  for (const { mount, volumeLabels, volumeOptions } of mounts) {
    if (mount.Type !== "volume" || mount.Name === undefined) continue;
    const isAnonymous = mount.isAnonymous === true;
    const isNew = putNewVolume(store, {
      name: mount.Name,
      createdMs: row.createdMs,
      isAnonymous,
      labels: labelsOf({ isAnonymous, labels: volumeLabels }),
      options: volumeOptions ?? null,
    });
    if (isNew) made.push(mount.Name);
    holdVolume(store.database, row.id, mount.Name);
  }
  return made;
}

/**
 * Copies what the image has at the place of each empty volume into it.
 *
 * @throws LadeError what mounting and copying throw
 */
export async function fillVolumes(
  engine: Engine,
  row: ContainerRow,
  mounts: readonly WantedMount[],
): Promise<void> {
  const empty = mounts.filter(
    ({ mount, copiesImage }) =>
      copiesImage && mount.Type === "volume" && isEmpty(engine.store, mount.Name ?? ""),
  );
  if (empty.length === 0) return;
  const { copyUp } = await import("../rootfs/copy-up.ts");
  await withMountedRootfs(engine, row, async (rootfs) => {
    for (const { mount } of empty) {
      const use = { name: mount.Name ?? "", user: row.id };
      await withMountedVolume(engine, use, async (folder) => {
        await copyUp(rootfs, mount.Destination, join(folder, mount.subpath ?? ""));
      });
    }
  });
}

/** A volume of another place is looked at by the copying itself, once it is mounted. */
function isEmpty(store: Store, name: string): boolean {
  try {
    return fs.readdirSync(volumeDataFolder(store.paths, name)).length === 0;
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return true;
    throw error;
  }
}

/** Takes back what a container that was not made after all brought with it. */
export function removeNewVolumes(store: Store, names: readonly string[]): void {
  for (const name of names) {
    store.database.transaction(() => removeVolumeUnlessUsed(store, name));
    removeRetired(store);
  }
}
