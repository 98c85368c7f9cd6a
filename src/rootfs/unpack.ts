// SPDX-License-Identifier: Apache-2.0

/**
 * Layers as folders, for kernels that can't mount them as they lie: `unpacked/KEY/` in the store.
 *
 * A folder under its key is whole and on the disk: it is filled under another name, synced, and
 * then renamed.
 */

import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ioError } from "../base/io-error.ts";
import { buildLayerTree } from "../erofs/layer-tree.ts";
import { closeOnExec, syncFileSystem } from "../sys/file.ts";
import { acquireLock, ifLockFree, withLock } from "../sys/lock.ts";
import { removeAll } from "../sys/remove-all.ts";
import { listNames } from "./layer-mounts.ts";
import { checkMayMount } from "./mount-error.ts";
import type { RootfsLayer } from "./plan.ts";
import { unpackTree } from "./unpack-tree.ts";

const lockSuffix = ".lock";
const unfinishedSuffix = ".tmp";

/** Where a layer is unpacked. */
export function unpackedPath(unpackedRoot: string, key: string): string {
  return join(unpackedRoot, key);
}

/**
 * Unpacks a layer, or finds it unpacked; others of this thread wait.
 *
 * @returns the folder
 * @throws LadeError ROOT_NEEDED, DISK_FULL, IO_FAILED, STORE_DAMAGED, LAYER_INVALID
 */
export function ensureUnpacked(unpackedRoot: string, layer: RootfsLayer): string {
  const path = unpackedPath(unpackedRoot, layer.key);
  if (fs.existsSync(path)) return path;
  try {
    makeRoot(unpackedRoot, layer);
    withLock(`${path}${lockSuffix}`, () => {
      for (const _ of unpackTo(path, layer));
    });
  } catch (error) {
    throw ioError(error, `unpack layer ${layer.key} to ${path}`);
  }
  return path;
}

/**
 * As {@link ensureUnpacked} for several layers, letting other work of this thread go on.
 *
 * @param signal ends it with nothing half made
 */
export async function unpackLayers(
  unpackedRoot: string,
  layers: readonly RootfsLayer[],
  signal?: AbortSignal,
): Promise<void> {
  for (const layer of layers) {
    const path = unpackedPath(unpackedRoot, layer.key);
    if (fs.existsSync(path)) continue;
    try {
      makeRoot(unpackedRoot, layer);
      using _ = await acquireLock(`${path}${lockSuffix}`, { signal });
      for (const _ of unpackTo(path, layer)) {
        await nextTurn();
        signal?.throwIfAborted();
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw ioError(error, `unpack layer ${layer.key} to ${path}`);
    }
  }
}

function makeRoot(unpackedRoot: string, layer: RootfsLayer): void {
  checkMayMount(`unpack layer ${layer.key}`);
  fs.mkdirSync(unpackedRoot, { recursive: true, mode: 0o700 });
}

/** By who holds the layer's lock: nobody else works on these paths. The lock's file goes with it. */
function* unpackTo(path: string, layer: RootfsLayer): Generator<void> {
  try {
    if (!fs.existsSync(path)) yield* unpackBeside(path, layer);
  } finally {
    fs.rmSync(`${path}${lockSuffix}`, { force: true });
  }
}

function* unpackBeside(path: string, layer: RootfsLayer): Generator<void> {
  const unfinished = `${path}${unfinishedSuffix}`;
  // What a process left that was killed.
  removeAll(unfinished);
  const tree = buildLayerTree(layer.index(), { name: `layer ${layer.key}` });
  try {
    using folders = makeFolders(unfinished);
    using tar = openFolder(layer.tar.path, 0);
    const { offset, size } = layer.tar;
    yield* unpackTree(tree, { fd: tar.fd, offset, size }, folders);
    syncFileSystem(folders.root);
    fs.renameSync(join(unfinished, "tree"), path);
    syncFolder(join(path, ".."));
  } finally {
    removeAll(unfinished);
  }
}

interface Opened extends Disposable {
  readonly fd: number;
}

function openFolder(path: string, flags: number): Opened {
  const fd = fs.openSync(path, fs.constants.O_RDONLY | closeOnExec | flags);
  return { fd, [Symbol.dispose]: () => fs.closeSync(fd) };
}

function makeFolders(
  unfinished: string,
): Disposable & { readonly root: number; readonly links: number } {
  fs.mkdirSync(unfinished, { mode: 0o700 });
  const opened = ["tree", "links"].map((name) => {
    const path = join(unfinished, name);
    fs.mkdirSync(path, { mode: 0o700 });
    return openFolder(path, fs.constants.O_DIRECTORY);
  });
  return {
    root: opened[0]?.fd ?? -1,
    links: opened[1]?.fd ?? -1,
    [Symbol.dispose](): void {
      for (const one of opened) one[Symbol.dispose]();
    },
  };
}

function syncFolder(path: string): void {
  using folder = openFolder(path, fs.constants.O_DIRECTORY);
  fs.fsyncSync(folder.fd);
}

const gonePrefix = ".gone-";

/**
 * Takes layers that nobody needs out of the way at once; {@link removeRetired} removes them.
 *
 * @param isNeeded by the layer's key
 */
export function retireUnpacked(unpackedRoot: string, isNeeded: (key: string) => boolean): void {
  for (const key of listKeys(unpackedRoot)) {
    if (isNeeded(key)) continue;
    const path = unpackedPath(unpackedRoot, key);
    const lock = `${path}${lockSuffix}`;
    // Left to the next time where somebody unpacks it right now.
    ifLockFree(lock, () => {
      for (const old of [path, `${path}${unfinishedSuffix}`]) {
        if (fs.existsSync(old)) fs.renameSync(old, join(unpackedRoot, gonePrefix + randomUUID()));
      }
      fs.rmSync(lock, { force: true });
    });
  }
}

export function removeRetired(unpackedRoot: string): void {
  for (const name of listNames(unpackedRoot)) {
    if (name.startsWith(gonePrefix)) {
      removeAll(join(unpackedRoot, name));
    }
  }
}

/** The keys of all layers that are unpacked, or were begun. */
function listKeys(unpackedRoot: string): string[] {
  const names = listNames(unpackedRoot).filter((name) => !name.startsWith(gonePrefix));
  return [...new Set(names.map((name) => name.replace(/\.(?:lock|tmp)$/, "")))];
}
