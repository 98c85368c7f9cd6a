// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { checkMountable } from "../content/blobs.ts";
import { bootId } from "../content/boot.ts";
import {
  type ContainerRow,
  containerById,
  isRunning,
  layersOfContainer,
  type PlacedLayer,
  setContainerDefinition,
} from "../content/containers.ts";
import { ensureErofsImage, erofsPath } from "../content/erofs-images.ts";
import { readIndexedEntries } from "../content/layer-indexes.ts";
import { blobPath, containerFolder } from "../content/paths.ts";
import {
  placedErofsPath,
  readPlacedEntries,
  verifyPlacedLayers,
} from "../content/placed-layers.ts";
import type { Store } from "../content/store.ts";
import {
  mountRootfs,
  prepareRootfs,
  type RootfsLayer,
  type RootfsPlan,
  unmountRootfs,
} from "../rootfs/rootfs.ts";
import { makeRunFolders } from "../rootfs/run-paths.ts";
import { type Digest, digestHex } from "../spec/digest.ts";
import { tryLock } from "../sys/libc.ts";
import { acquireLock, type FileLock } from "../sys/lock.ts";
import { storageDriver } from "./driver.ts";
import type { Engine } from "./engine.ts";

/**
 * What a container's root is made of: its layers, lowest first, and its own folder.
 *
 * @throws LadeError UNSUPPORTED for a LADE_STORAGE_DRIVER that is none
 */
export function containerPlan(engine: Engine, row: ContainerRow): RootfsPlan {
  const { store } = engine;
  return {
    containerId: row.id,
    layers: layersOf(engine, row),
    folder: containerFolder(store.paths, row.id),
    driver: storageDriver(engine).driver,
    unpackedRoot: store.paths.unpacked,
    isTemporary: row.definition.hostConfig.AutoRemove === true,
    createdMs: row.createdMs,
  };
}

function layersOf(engine: Engine, row: ContainerRow): readonly RootfsLayer[] {
  const { store } = engine;
  const { layers: placed } = row.definition;
  if (placed !== undefined) return placed.map((layer) => placedLayer(store, layer));
  return layersOfContainer(store.database, row.id).map((diffId) => storedLayer(engine, diffId));
}

function storedLayer(engine: Engine, diffId: Digest): RootfsLayer {
  const { store } = engine;
  const path = blobPath(store.paths, diffId);
  return {
    key: digestHex(diffId),
    tar: {
      path,
      offset: 0,
      get size() {
        return fs.statSync(path).size;
      },
    },
    index: () => readIndexedEntries(store, diffId),
    erofs: () => soundErofs(engine, diffId),
  };
}

/**
 * The metadata image of a layer, checked once in each boot, and again when its file changed: what
 * hashing needs of Node takes longer to load than the mount takes.
 */
function soundErofs({ store, run }: Engine, diffId: Digest): string {
  const stamp = join(run.root, "sound", digestHex(diffId));
  const path = erofsPath(store.paths, diffId);
  const seen = fileStamp(path);
  if (seen !== "" && readStamp(stamp) === seen) return path;
  ensureErofsImage(store, diffId);
  fs.mkdirSync(join(run.root, "sound"), { recursive: true, mode: 0o700 });
  fs.writeFileSync(stamp, fileStamp(path));
  return path;
}

function fileStamp(path: string): string {
  const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : `${bootId()} ${stat.ino} ${stat.size} ${stat.mtimeNs}`;
}

function readStamp(path: string): string | undefined {
  return fs.existsSync(path) ? fs.readFileSync(path, "latin1") : undefined;
}

function placedLayer(store: Store, { key, tar }: PlacedLayer): RootfsLayer {
  return {
    key,
    tar,
    index: () => readPlacedEntries(store, key),
    erofs: () => placedErofsPath(store, key),
  };
}

/**
 * The container with its layers as they lie now: whole, and those in an archive are verified again where the
 * archive changed or the machine started anew.
 *
 * @throws LadeError BLOB_NOT_FOUND, ARCHIVE_NOT_FOUND, DIGEST_MISMATCH for a layer or an archive that
 *   is another one now
 */
export async function withSoundLayers(engine: Engine, row: ContainerRow): Promise<ContainerRow> {
  const { layers: placed } = row.definition;
  const { store } = engine;
  if (placed === undefined) {
    for (const diffId of layersOfContainer(store.database, row.id)) {
      await checkMountable(store, diffId);
    }
    return row;
  }
  const layers = await verifyPlacedLayers(store, placed);
  if (layers.every((layer, index) => layer.key === placed[index]?.key)) return row;
  const definition = { ...row.definition, layers };
  store.database.transaction(() => setContainerDefinition(store.database, row.id, definition));
  return { ...row, definition };
}

/**
 * Mounts a container's root and keeps it mounted for others until the result is disposed of; then
 * it goes, unless the container runs or somebody else still uses it.
 */
export async function useRootfs(engine: Engine, row: ContainerRow): Promise<UsedRootfs> {
  const lock = await holdRootfs(engine, row.id);
  try {
    const plan = containerPlan(engine, await withSoundLayers(engine, row));
    await prepareRootfs(plan);
    const path = mountRootfs(engine.run, plan);
    return {
      path,
      [Symbol.dispose](): void {
        lock[Symbol.dispose]();
        releaseRootfs(engine, row.id);
      },
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

export interface UsedRootfs extends Disposable {
  readonly path: string;
}

/** Does work with a container's root file system, whether it runs or not. */
export async function withMountedRootfs<T>(
  engine: Engine,
  row: ContainerRow,
  work: (rootfsPath: string) => Promise<T>,
): Promise<T> {
  using rootfs = await useRootfs(engine, row);
  return await work(rootfs.path);
}

/** Many may use a root at once; who unmounts it must be alone. */
async function holdRootfs(engine: Engine, id: string): Promise<FileLock> {
  makeRunFolders(engine.run);
  return await acquireLock(rootfsLockPath(engine, id), { shared: true });
}

/**
 * Unmounts a container's root, unless it runs or somebody uses it, who will do so then.
 *
 * @param options.isEnded the container has no process, whatever its row still says
 */
export function releaseRootfs(
  engine: Engine,
  id: string,
  { isEnded = false }: { readonly isEnded?: boolean } = {},
): void {
  const path = rootfsLockPath(engine, id);
  const fd = fs.openSync(path, "a", 0o600);
  try {
    if (!tryLock(fd)) return;
    const row = containerById(engine.store.database, id);
    const runs = row !== undefined && (isRunning(row.state) || row.state.isStarting === true);
    if (runs && !isEnded) return;
    unmountRootfs(engine.run, id);
    fs.rmSync(path, { force: true });
  } finally {
    fs.closeSync(fd);
  }
}

function rootfsLockPath(engine: Engine, id: string): string {
  return join(engine.run.locks, `${id}.rootfs`);
}
