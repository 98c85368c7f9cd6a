// SPDX-License-Identifier: Apache-2.0

/** Volumes that are a mount of something else: `volume create --opt type=tmpfs …`. */

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError, LadeError, messageOf } from "../base/errors.ts";
import type { ContainerRow } from "../content/containers.ts";
import { volumeDataFolder } from "../content/paths.ts";
import { type VolumeRow, volumeByName } from "../content/volumes.ts";
import { makeRunFolders } from "../rootfs/run-paths.ts";
import { withLock } from "../sys/lock.ts";
import { isMountPoint, mount, mountFlags, unmount } from "../sys/mount.ts";
import { removeAll } from "../sys/remove-all.ts";
import type { Engine } from "./engine.ts";
import { makeVolumeFolder, restoreRetired } from "./volume-folders.ts";

/** Words of `o=` that are flags of mount(2), and what they set; the rest is for the file system. */
const flagWords: Readonly<Record<string, number>> = {
  rw: 0,
  defaults: 0,
  ro: mountFlags.readOnly,
  nosuid: mountFlags.noSetuid,
  nodev: mountFlags.noDevices,
  noexec: mountFlags.noExecute,
  noatime: mountFlags.noAccessTime,
  bind: mountFlags.bind,
  rbind: mountFlags.bind + mountFlags.recursive,
};

/** How mount(8) reads `type`, `device` and `o`. */
export function mountRequestOf(options: Readonly<Record<string, string>>): {
  readonly source: string;
  readonly type: string;
  readonly flags: number;
  readonly data: string;
} {
  const words = (options.o ?? "").split(",").filter(Boolean);
  const flags = words.filter((word) => Object.hasOwn(flagWords, word));
  const data = words.filter((word) => !Object.hasOwn(flagWords, word));
  const type = options.type ?? "";
  const isBind = flags.includes("bind") || flags.includes("rbind");
  return {
    source: options.device ?? "",
    type: isBind || type === "none" ? "" : type,
    flags: [...new Set(flags)].reduce((sum, word) => sum + (flagWords[word] ?? 0), 0),
    data: data.join(","),
  };
}

function needsMount(volume: VolumeRow | undefined): volume is VolumeRow {
  return volume?.options?.type !== undefined && volume.options.device !== undefined;
}

/**
 * Has a volume ready for a container: its folder there and, where it is a mount of something,
 * mounted until the last container lets go of it.
 *
 * @param user ID of the container
 * @returns the folder of its files
 * @throws LadeError MOUNT_FAILED, VOLUME_NOT_FOUND
 */
export function readyVolume(engine: Engine, name: string, user: string): string {
  const { store } = engine;
  const volume = volumeByName(store.database, name);
  if (volume === undefined) {
    throw new LadeError("VOLUME_NOT_FOUND", `get ${name}: no such volume`);
  }
  const folder = volumeDataFolder(store.paths, name);
  if (!fs.existsSync(folder)) restoreRetired(store);
  makeVolumeFolder(store, name);
  if (!needsMount(volume)) return folder;
  underLock(engine, () => {
    // Users are noted before the mount, so that a command that is killed leaves one too many.
    const users = usersFolder(engine, name);
    fs.mkdirSync(users, { recursive: true, mode: 0o700 });
    fs.writeFileSync(join(users, user), "");
    if (!isMountPoint(folder)) mountVolume(volume, folder);
  });
  return folder;
}

/** After a reboot it is empty, as nothing is mounted then. */
function usersFolder(engine: Engine, name: string): string {
  return join(engine.run.root, "volume-users", name);
}

function mountVolume(volume: VolumeRow, target: string): void {
  const request = mountRequestOf(volume.options ?? {});
  try {
    mount({ ...request, target });
    // A bind takes its flags only when it is there.
    const isBind = (request.flags & mountFlags.bind) !== 0;
    const others = request.flags & ~(mountFlags.bind | mountFlags.recursive);
    if (isBind && others !== 0) {
      const flags = mountFlags.bind | mountFlags.remount | others;
      mount({ source: "none", target, type: "", flags });
    }
  } catch (error) {
    throw new LadeError(
      "MOUNT_FAILED",
      `error while mounting volume '${target}': failed to mount local volume: mount ${request.source}:${target}, data: ${request.data}: ${reasonOf(error)}`,
      { cause: error, hint: "Check the volume's options: `lade volume inspect` shows them." },
    );
  }
}

function reasonOf(error: unknown): string {
  return isSystemError(error, "ENOENT") ? "no such file or directory" : messageOf(error);
}

/** Unmounts the volumes of a container that has ended, where no other one runs that uses them. */
export function releaseVolumes(engine: Engine, row: ContainerRow): void {
  for (const { Type: type, Name: name = "" } of row.definition.mounts) {
    if (type === "volume") releaseVolume(engine, name, row.id);
  }
}

function releaseVolume(engine: Engine, name: string, user: string): void {
  const users = usersFolder(engine, name);
  if (!fs.existsSync(users)) return;
  const folder = volumeDataFolder(engine.store.paths, name);
  underLock(engine, () => {
    fs.rmSync(join(users, user), { force: true });
    if (fs.readdirSync(users).length > 0) return;
    while (isMountPoint(folder)) unmount(folder, { lazy: true });
    fs.rmdirSync(users);
  });
}

/** Does work with a volume's files, which may have to be mounted for it. */
export async function withMountedVolume<T>(
  engine: Engine,
  use: { readonly name: string; readonly user: string },
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = readyVolume(engine, use.name, use.user);
  try {
    return await work(folder);
  } finally {
    releaseVolume(engine, use.name, use.user);
  }
}

/** Takes the mount of a volume that is removed away. */
export function unmountVolume(engine: Engine, name: string): void {
  const folder = volumeDataFolder(engine.store.paths, name);
  if (!fs.existsSync(usersFolder(engine, name))) return;
  underLock(engine, () => {
    while (isMountPoint(folder)) unmount(folder, { lazy: true });
    removeAll(usersFolder(engine, name));
  });
}

function underLock(engine: Engine, work: () => void): void {
  makeRunFolders(engine.run);
  withLock(join(engine.run.locks, "volumes"), work);
}
