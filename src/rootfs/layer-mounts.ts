// SPDX-License-Identifier: Apache-2.0

/**
 * Layers mounted under `run/layers`, each once, however many containers use it.
 *
 * All here runs under the lock on mounts. Who uses a layer is told by empty files in
 * `run/layer-users/KEY/`, written before the mount and removed after it, so that a process that
 * is killed in between leaves a user too many and never one too few.
 */

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import { closeOnExec } from "../sys/file.ts";
import { openLoopDevice } from "../sys/loop.ts";
import { attachMount, createFileSystem, isMountPoint, unmount } from "../sys/mount.ts";
import { mountError } from "./mount-error.ts";
import { makeMountPlace, unmountAll } from "./mount-place.ts";
import type { RootfsLayer } from "./plan.ts";
import type { RunPaths } from "./run-paths.ts";

export interface MountLayersOptions {
  /** Go by loop devices without trying files first. */
  readonly useLoop: boolean;
}

/**
 * Mounts what is not mounted yet and has the container count as user of all of it.
 *
 * @returns the folders, in the order of the layers
 * @throws LadeError MOUNT_FAILED, ROOT_NEEDED
 */
export function useLayers(
  run: RunPaths,
  user: { readonly id: string; readonly layers: readonly RootfsLayer[] },
  options: MountLayersOptions,
): string[] {
  if (user.layers.length > 0) makeMountPlace(run.layers);
  return user.layers.map((layer) => {
    const users = join(run.layerUsers, layer.key);
    fs.mkdirSync(users, { recursive: true, mode: 0o700 });
    fs.closeSync(fs.openSync(join(users, user.id), "w", 0o600));
    const target = join(run.layers, layer.key);
    if (!isMountPoint(target)) {
      fs.mkdirSync(target, { recursive: true, mode: 0o700 });
      mountLayer(layer, target, options);
    }
    return target;
  });
}

/** Takes the container off the layers' users and unmounts what nobody else uses. */
export function releaseLayers(run: RunPaths, id: string, keys: readonly string[]): void {
  const unused = keys.filter((key) => {
    fs.rmSync(join(run.layerUsers, key, id), { force: true });
    return removeIfEmpty(join(run.layerUsers, key));
  });
  if (listNames(run.layerUsers).length === 0) detachAll(run);
  for (const key of unused) unmountLayer(run, key);
  removeIfUnused(run);
}

/**
 * Takes all layers out of the tree in one call: each by itself costs more than it did to mount it,
 * since the kernel waits for all processors each time.
 */
function detachAll(run: RunPaths): void {
  try {
    if (isMountPoint(run.layers)) unmount(run.layers, { lazy: true });
  } catch (error) {
    throw mountError(error, `unmount ${run.layers}`);
  }
}

/**
 * Unmounts layers that nobody uses: what processes left that were killed.
 *
 * @param isUser whether the container still has its layers
 */
export function sweepLayers(run: RunPaths, isUser: (id: string) => boolean): void {
  for (const key of listNames(run.layerUsers)) {
    const users = join(run.layerUsers, key);
    for (const id of listNames(users)) {
      if (!isUser(id)) fs.rmSync(join(users, id), { force: true });
    }
    removeIfEmpty(users);
  }
  const used = new Set(listNames(run.layerUsers));
  for (const key of listNames(run.layers)) if (!used.has(key)) unmountLayer(run, key);
  removeIfUnused(run);
}

function unmountLayer(run: RunPaths, key: string): void {
  const target = join(run.layers, key);
  unmountAll(target);
  removeIfEmpty(target);
}

/** The last layer takes the place of all layers with it. */
function removeIfUnused(run: RunPaths): void {
  if (listNames(run.layers).length > 0) return;
  try {
    while (isMountPoint(run.layers)) unmount(run.layers);
  } catch (error) {
    // Somebody looks into the folder right now; the next one to go removes it.
    if (!isSystemError(error, "EBUSY")) throw mountError(error, `unmount ${run.layers}`);
  }
}

/** @returns whether the folder is gone; false where something is in it */
function removeIfEmpty(folder: string): boolean {
  try {
    fs.rmdirSync(folder);
    return true;
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return true;
    if (isSystemError(error, "ENOTEMPTY") || isSystemError(error, "EBUSY")) return false;
    throw error;
  }
}

export function listNames(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (isSystemError(error, "ENOENT") || isSystemError(error, "ENOTDIR")) return [];
    throw error;
  }
}

function mountLayer(layer: RootfsLayer, target: string, { useLoop }: MountLayersOptions): void {
  const work = `mount layer ${layer.key}`;
  const image = layer.erofs();
  try {
    if (!useLoop) {
      mountFiles(image, layer.tar.path, target);
      return;
    }
  } catch (error) {
    throw mountError(error, work);
  }
  try {
    mountLoop(image, layer.tar.path, target);
  } catch (error) {
    throw mountError(error, `${work} by loop devices`);
  }
}

/** The kernel (from 6.12 on) reads both files itself. */
export function mountFiles(image: string, device: string, target: string): void {
  const opened: number[] = [];
  try {
    mountErofs(
      [image, device].map((path) => plainPath(path, opened)),
      target,
    );
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}

/** Each file becomes a block device first, which goes with the mount. */
export function mountLoop(image: string, device: string, target: string): void {
  using imageLoop = openLoopDevice(image);
  using deviceLoop = openLoopDevice(device);
  mountErofs([imageLoop.path, deviceLoop.path], target);
}

function mountErofs([source = "", device = ""]: readonly string[], target: string): void {
  const options = [
    ["source", source],
    ["device", device],
  ] as const;
  const fd = createFileSystem({ type: "erofs", options, readOnly: true, inert: true });
  try {
    attachMount(fd, target);
  } finally {
    fs.closeSync(fd);
  }
}

// fsconfig(2) takes values of 255 bytes.
const valueMax = 255;

/**
 * The path, or for one that the kernel might not take as it is, another one to the same file that
 * is good as long as it is open.
 */
export function plainPath(path: string, opened: number[]): string {
  // overlayfs takes a backslash as an escape in some options and as itself in others.
  if (Buffer.byteLength(path) <= valueMax && !path.includes("\\")) return path;
  const fd = fs.openSync(path, fs.constants.O_RDONLY | closeOnExec);
  opened.push(fd);
  return `/proc/self/fd/${fd}`;
}
