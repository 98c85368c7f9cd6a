// SPDX-License-Identifier: Apache-2.0

/**
 * A container's root: its layers, and on top of them the folder that takes its changes.
 *
 * Everything here runs under one lock of the run root, can be repeated, and leaves nothing that
 * {@link sweepMounts} does not find when a process is killed in between. Nothing is spawned.
 */

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { tryLock } from "../sys/libc.ts";
import { isMountPoint } from "../sys/mount.ts";
import { removeAll } from "../sys/remove-all.ts";
import { makeInitFolder } from "./init-layer.ts";
import { listNames, releaseLayers, sweepLayers, useLayers } from "./layer-mounts.ts";
import { checkMayMount, mountError } from "./mount-error.ts";
import { readLayerKeys, withMounts } from "./mount-lock.ts";
import { makeMountPlace, unmountAll } from "./mount-place.ts";
import { mountOverlay, type OverlayUpper } from "./overlay.ts";
import type { RootfsLayer, RootfsPlan } from "./plan.ts";
import { containerRunFolder, type RunPaths } from "./run-paths.ts";
import { ensureUnpacked, unpackLayers } from "./unpack.ts";

export type { RootfsDriver, RootfsLayer, RootfsPlan } from "./plan.ts";

/** Where the root of a container is mounted. */
export function rootfsPath(run: RunPaths, containerId: string): string {
  return join(containerRunFolder(run, containerId), "rootfs");
}

/**
 * Mounts a container's root, or finds it mounted.
 *
 * @returns the folder
 * @throws LadeError ROOT_NEEDED, MOUNT_FAILED, and what a layer's index and image may throw
 */
export function mountRootfs(run: RunPaths, plan: RootfsPlan): string {
  const { folder } = plan;
  checkMayMount(`container ${plan.containerId}`);
  const upper = { upper: join(folder, "upper"), work: join(folder, "work") };
  for (const [path, mode] of [
    [upper.upper, 0o755],
    [upper.work, 0o700],
  ] as const) {
    makeFolder(path, mode);
  }
  const { createdMs, isTemporary } = plan;
  return mountTree(run, plan, { ...upper, madeMs: createdMs, isTemporary });
}

/**
 * Does beforehand what {@link mountRootfs} may need long for, and lets other work go on meanwhile.
 *
 * @throws LadeError what unpacking a layer throws; the signal's reason
 */
export async function prepareRootfs(plan: ViewPlan, signal?: AbortSignal): Promise<void> {
  if (plan.driver === "unpacked") await unpackLayers(plan.unpackedRoot, plan.layers, signal);
}

export type ViewPlan = Omit<RootfsPlan, "folder" | "createdMs">;

/**
 * Mounts layers without a place for changes.
 *
 * @param plan `containerId` is any name that no container has; {@link unmountRootfs} takes it back
 */
export function mountReadOnly(run: RunPaths, plan: ViewPlan): string {
  checkMayMount("mount an image");
  return mountTree(run, plan, undefined);
}

interface UpperPlace extends OverlayUpper {
  readonly madeMs: number | undefined;
}

function mountTree(run: RunPaths, plan: ViewPlan, upper: UpperPlace | undefined): string {
  for (;;) {
    const layers = withoutRepeats(plan.layers);
    // Unpacking takes long, so others need not wait for it.
    const unpacked =
      plan.driver === "unpacked"
        ? layers.map((layer) => ensureUnpacked(plan.unpackedRoot, layer))
        : undefined;
    const path = withMounts(run, () => mountLocked(run, plan, { layers, unpacked, upper }));
    if (path !== undefined) return path;
  }
}

interface MountParts {
  readonly layers: readonly RootfsLayer[];
  readonly unpacked: readonly string[] | undefined;
  readonly upper: UpperPlace | undefined;
}

/** @returns undefined where an unpacked layer was swept before this said that it is used */
function mountLocked(
  run: RunPaths,
  plan: ViewPlan,
  { layers, unpacked, upper }: MountParts,
): string | undefined {
  const { containerId, driver } = plan;
  const container = containerRunFolder(run, containerId);
  const target = join(container, "rootfs");
  if (isOverlay(target)) return target;
  if (unpacked?.some((path) => !fs.existsSync(path)) === true) return undefined;
  fs.mkdirSync(target, { recursive: true, mode: 0o700 });
  try {
    fs.writeFileSync(join(container, "layers"), layers.map(({ key }) => `${key}\n`).join(""));
    const useLoop = driver === "erofs-loop";
    const layered = unpacked ?? useLayers(run, { id: containerId, layers }, { useLoop });
    const lowers = [...layered, ...makeInit(container, layered, upper?.madeMs)];
    makeMountPlace(target);
    const nothing = makeNothing(run, (upper === undefined ? 2 : 1) - lowers.length);
    const scratch = join(container, "short");
    mountOverlay({ lowers: [...nothing, ...lowers], upper, target, scratch });
  } catch (error) {
    undo(() => unmountTree(run, containerId));
    throw mountError(error, `container ${containerId}`);
  }
  return target;
}

/** What every container has besides its image; on a disk or not, it is made anew for each mount. */
function makeInit(
  container: string,
  lowers: readonly string[],
  madeMs: number | undefined,
): string[] {
  if (madeMs === undefined) return [];
  const folder = join(container, "init");
  makeInitFolder(folder, { lowers, madeMs });
  return [folder];
}

/** What can't be undone now is swept later; the error that led here is the one to tell. */
function undo(work: () => void): void {
  try {
    work();
  } catch {}
}

/** Empty folders for an overlay to lie on: it takes no less than two, the upper one among them. */
function makeNothing(run: RunPaths, count: number): string[] {
  return Array.from({ length: Math.max(0, count) }, (_, index) => {
    const path = join(run.root, `empty${index}`);
    makeFolder(path, 0o755);
    return path;
  });
}

/**
 * A layer that comes twice counts where it lies highest: what it holds is on top of all between,
 * and overlayfs refuses the same folder twice.
 */
function withoutRepeats(layers: readonly RootfsLayer[]): RootfsLayer[] {
  const highest = new Map(layers.map((layer, index) => [layer.key, index]));
  return layers.filter((layer, index) => highest.get(layer.key) === index);
}

/**
 * Unmounts a container's root, and layers that nobody else uses. Nothing mounted is fine, too.
 *
 * @throws LadeError ROOT_NEEDED, MOUNT_FAILED
 */
export function unmountRootfs(run: RunPaths, containerId: string): void {
  if (!fs.existsSync(join(containerRunFolder(run, containerId), "layers"))) return;
  withMounts(run, () => unmountTree(run, containerId));
}

/** From the top to the bottom; the list of layers goes last, so that this can be taken up again. */
function unmountTree(run: RunPaths, containerId: string): void {
  const container = containerRunFolder(run, containerId);
  const target = join(container, "rootfs");
  unmountAll(target);
  removeFolder(target);
  for (const name of ["init", "short"]) {
    removeAll(join(container, name));
  }
  releaseLayers(run, containerId, readLayerKeys(run, containerId));
  fs.rmSync(join(container, "layers"), { force: true });
  removeFolder(container);
}

/**
 * Unmounts what processes left that were killed: roots of containers that are not alive, and
 * layers that nobody uses.
 *
 * A container is left alone while a lock on it is held (`locks/ID` by who changes its state,
 * `locks/ID.rootfs` by who uses its root).
 *
 * @param isAlive whether the container needs its root
 */
export function sweepMounts(run: RunPaths, isAlive: (containerId: string) => boolean): void {
  if (!fs.existsSync(run.locks)) return;
  withMounts(run, () => {
    for (const id of listNames(run.containers)) {
      const locks = [id, `${id}.rootfs`].map((name) => join(run.locks, name));
      ifUnlocked(locks, () => {
        if (!isAlive(id)) unmountTree(run, id);
      });
    }
    sweepLayers(run, (id) => fs.existsSync(join(containerRunFolder(run, id), "layers")));
  });
}

function ifUnlocked([path, ...others]: readonly string[], work: () => void): void {
  if (path === undefined) {
    work();
    return;
  }
  let fd: number;
  try {
    fd = fs.openSync(path, "r");
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw error;
    // Whoever makes and takes it now has to wait for the lock on mounts, which is ours.
    ifUnlocked(others, work);
    return;
  }
  try {
    if (tryLock(fd)) ifUnlocked(others, work);
  } finally {
    fs.closeSync(fd);
  }
}

// OVERLAYFS_SUPER_MAGIC of <linux/magic.h>.
const overlayMagic = 0x794c7630;

function isOverlay(path: string): boolean {
  return isMountPoint(path) && fs.statfsSync(path).type === overlayMagic;
}

function makeFolder(path: string, mode: number): void {
  try {
    fs.mkdirSync(path, { mode });
    // The umask may have taken bits away.
    fs.chmodSync(path, mode);
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw ioError(error, `make ${path}`);
  }
}

function removeFolder(path: string): void {
  try {
    fs.rmdirSync(path);
  } catch (error) {
    const isThere = ["ENOENT", "ENOTEMPTY", "EBUSY"].some((code) => isSystemError(error, code));
    if (!isThere) throw error;
  }
}
