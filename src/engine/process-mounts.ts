// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError, LadeError, messageOf } from "../base/errors.ts";
import type { ContainerMount, ContainerRow } from "../content/containers.ts";
import { unmountAll } from "../rootfs/mount-place.ts";
import { containerRunFolder } from "../rootfs/run-paths.ts";
import { canFollowHost } from "../runtime/propagation.ts";
import type { SpecMount } from "../runtime/spec/input.ts";
import { closeOnExec, openInRoot, pathOnly } from "../sys/file.ts";
import { bindMount, isMountPoint, mount, mountFlags } from "../sys/mount.ts";
import { removeAll } from "../sys/remove-all.ts";
import { cleanPath } from "./clean-path.ts";
import { containerInvalid } from "./container-errors.ts";
import type { Engine } from "./engine.ts";
import { readyVolume } from "./volume-mounts.ts";

/**
 * Makes ready what is mounted into a container: volumes, folders of the host, tmpfs.
 *
 * @throws LadeError CONTAINER_INVALID for what is not there, MOUNT_FAILED, VOLUME_NOT_FOUND
 */
export function readyMounts(engine: Engine, row: ContainerRow): readonly SpecMount[] {
  const { mounts, hostConfig } = row.definition;
  const own = mounts.map((one, index) => readyMount(engine, row, { ...one, index }));
  const tmpfs = Object.entries(hostConfig.Tmpfs ?? {}).map(([target, options]) => ({
    type: "tmpfs" as const,
    source: "",
    destination: cleanPath(target),
    options,
  }));
  return [...own, ...tmpfs];
}

function readyMount(
  engine: Engine,
  row: ContainerRow,
  wanted: ContainerMount & { readonly index: number },
): SpecMount {
  const common = { destination: wanted.Destination, isReadOnly: !wanted.RW };
  switch (wanted.Type) {
    case "tmpfs":
      return { ...common, type: "tmpfs", source: "", options: tmpfsOptions(wanted) };
    case "bind":
      readyHostFolder(wanted);
      return {
        ...common,
        type: "bind",
        source: wanted.Source,
        propagation: propagationOf(engine, wanted),
        isNonRecursive: wanted.isNonRecursive === true,
      };
    case "volume":
      return { ...common, type: "bind", source: volumeSource(engine, row, wanted) };
  }
}

/**
 * A container that sees the host's mounts of other containers must not keep them when those end:
 * unless another way was asked for, unmounting them here unmounts them there (as in Docker, whose
 * `validateBindDaemonRoot` is about the daemon's root). Where the host's mount can't be followed, the
 * container has a copy of them until it ends, as in Docker.
 */
function propagationOf(engine: Engine, { Source, Propagation }: ContainerMount): string {
  if (Propagation !== "rprivate") return Propagation;
  const source = `${fs.realpathSync(Source)}/`.replace("//", "/");
  const roots = [engine.run.root, engine.store.paths.root].filter((root) => fs.existsSync(root));
  const isReached = roots
    .map((root) => `${fs.realpathSync(root)}/`)
    .some((root) => root.startsWith(source) || source.startsWith(root));
  return isReached && canFollowHost(Source) ? "rslave" : Propagation;
}

function tmpfsOptions({ tmpfs }: ContainerMount): string {
  const { size, mode } = tmpfs ?? {};
  return [
    ...(size === undefined ? [] : [`size=${size}`]),
    ...(mode === undefined ? [] : [`mode=${mode.toString(8)}`]),
  ].join(",");
}

/** `-v` makes a missing folder; `--mount` wants it there. */
function readyHostFolder({ Source: source, makeSource }: ContainerMount): void {
  if (fs.existsSync(source)) return;
  if (makeSource !== true) {
    throw containerInvalid(
      `invalid mount config for type "bind": bind source path does not exist: ${source}`,
    );
  }
  try {
    fs.mkdirSync(source, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new LadeError(
      "MOUNT_FAILED",
      `error while creating mount source path '${source}': mkdir ${source}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function volumeSource(
  engine: Engine,
  row: ContainerRow,
  wanted: ContainerMount & { readonly index: number },
): string {
  const folder = readyVolume(engine, wanted.Name ?? "", row.id);
  const { subpath = "" } = wanted;
  if (subpath === "") return folder;
  const target = join(subpathsFolder(engine, row.id), String(wanted.index));
  bindSubpath({ folder, subpath, target });
  return target;
}

function subpathsFolder(engine: Engine, id: string): string {
  return join(containerRunFolder(engine.run, id), "subpaths");
}

/**
 * Mounts what a path in a volume leads to. Whoever writes into the volume may make any part of it
 * a symlink, and change it at any time: the path is opened below the volume, and what was opened
 * is mounted.
 */
function bindSubpath(wanted: {
  readonly folder: string;
  readonly subpath: string;
  readonly target: string;
}): void {
  const { folder, subpath, target } = wanted;
  const opened: number[] = [];
  try {
    const root = fs.openSync(folder, pathOnly + fs.constants.O_DIRECTORY + closeOnExec);
    opened.push(root);
    const found = openInRoot(root, Buffer.from(subpath), pathOnly);
    opened.push(found);
    unmountAll(target);
    if (fs.fstatSync(found).isDirectory()) fs.mkdirSync(target, { recursive: true, mode: 0o700 });
    else makeFile(target);
    bindMount(`/proc/self/fd/${found}`, target, { recursive: true });
  } catch (error) {
    if (isSystemError(error, "ENOENT")) {
      throw containerInvalid(
        `cannot access path ${join(folder, subpath)}: no such file or directory`,
      );
    }
    throw new LadeError("MOUNT_FAILED", `mount ${join(folder, subpath)}: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}

function makeFile(path: string): void {
  fs.mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
  fs.writeFileSync(path, "");
}

/** Where the `/dev/shm` is that a container shares with others. */
export function sharedMemoryPath(engine: Engine, id: string): string {
  return join(containerRunFolder(engine.run, id), "shm");
}

/** Makes the `/dev/shm` of a container that lets others join its IPC namespace. */
export function readySharedMemory(engine: Engine, row: ContainerRow): string {
  const path = sharedMemoryPath(engine, row.id);
  fs.mkdirSync(path, { recursive: true, mode: 0o700 });
  if (isMountPoint(path)) return path;
  try {
    mount({
      source: "shm",
      target: path,
      type: "tmpfs",
      flags: mountFlags.noSetuid + mountFlags.noDevices + mountFlags.noExecute,
      data: `mode=1777,size=${row.definition.hostConfig.ShmSize}`,
    });
  } catch (error) {
    throw new LadeError("MOUNT_FAILED", `mount shm ${path}: ${messageOf(error)}`, { cause: error });
  }
  return path;
}

/** Takes away what was mounted in the run root for a container besides its root. */
export function releaseMounts(engine: Engine, id: string): void {
  const shm = sharedMemoryPath(engine, id);
  unmountAll(shm);
  removeAll(shm);
  const subpaths = subpathsFolder(engine, id);
  if (!fs.existsSync(subpaths)) return;
  for (const name of fs.readdirSync(subpaths)) unmountAll(join(subpaths, name));
  removeAll(subpaths);
}
