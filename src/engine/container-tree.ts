// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { ioError } from "../base/io-error.ts";
import { type ContainerRow, containerById } from "../content/containers.ts";
import { initTree } from "../rootfs/init-layer.ts";
import { mergeLayers, overlayTrees } from "../rootfs/merged-tree.ts";
import type { RootfsPlan } from "../rootfs/plan.ts";
import { type FolderNode, walkTree } from "../rootfs/tree.ts";
import type { LayerFile } from "../rootfs/tree-tar.ts";
import { scanUpper } from "../rootfs/upper.ts";
import { containerPlan, withSoundLayers } from "./container-rootfs.ts";
import type { Engine } from "./engine.ts";
import { containerNotFound } from "./find-container.ts";
import { readyWorkingFolder } from "./working-folder.ts";

/** A container's changes, open. */
export interface ContainerChanges extends Disposable {
  readonly plan: RootfsPlan;
  readonly upper: FolderNode;
  readonly upperFd: number;
}

/** Reads what a container changed, whether it runs or not; nothing of it is mounted for that. */
export async function openChanges(engine: Engine, row: ContainerRow): Promise<ContainerChanges> {
  return await whileThere(engine, row, () => open(engine, row));
}

async function open(engine: Engine, row: ContainerRow): Promise<ContainerChanges> {
  await readyWorkingFolder(engine, row);
  const plan = containerPlan(engine, await withSoundLayers(engine, row));
  const path = join(plan.folder, "upper");
  let upperFd: number;
  try {
    upperFd = fs.openSync(path, fs.constants.O_RDONLY + fs.constants.O_DIRECTORY);
  } catch (error) {
    throw ioError(error, `read ${path}`);
  }
  try {
    const upper = scanUpper(upperFd);
    return { plan, upper, upperFd, [Symbol.dispose]: () => fs.closeSync(upperFd) };
  } catch (error) {
    fs.closeSync(upperFd);
    throw ioError(error, `read ${path}`);
  }
}

/**
 * Asserts that a container has not been removed while it was read, which would look as if files
 * were missing.
 *
 * @throws LadeError CONTAINER_NOT_FOUND
 */
export function checkIsThere(engine: Engine, row: ContainerRow): void {
  if (containerById(engine.store.database, row.id) === undefined) throw containerNotFound(row.id);
}

/**
 * Does work on a container's files. Where it fails since somebody removes the container meanwhile,
 * that is what is told, and not which of its files was missed first.
 *
 * @throws LadeError CONTAINER_NOT_FOUND
 */
export async function whileThere<T>(
  engine: Engine,
  row: ContainerRow,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    checkIsThere(engine, row);
    throw error;
  }
}

/** The tree of a container's image. */
export function imageTree(plan: RootfsPlan): FolderNode {
  return mergeLayers(
    plan.layers.map((layer) => ({ name: `layer ${layer.key}`, index: () => layer.index() })),
  );
}

/** The tree of a container's image with what every container has besides. */
export function startTree(plan: RootfsPlan, row: ContainerRow): FolderNode {
  const image = imageTree(plan);
  return overlayTrees([image, initTree(image, row.createdMs)]);
}

export interface OpenLayerFiles extends Disposable {
  readonly files: readonly LayerFile[];
}

/** Opens the tars of a container's layers. */
export function openLayerFiles(plan: RootfsPlan): OpenLayerFiles {
  const files: LayerFile[] = [];
  const close = () => {
    for (const { file } of files) fs.closeSync(file.fd);
  };
  try {
    for (const { tar, key } of plan.layers) {
      const place = `layer ${key}`;
      const file = { fd: fs.openSync(tar.path, "r"), isKept: true };
      files.push({ file, offset: tar.offset, place });
    }
  } catch (error) {
    close();
    throw ioError(error, "read a layer");
  }
  return { files, [Symbol.dispose]: close };
}

/** Bytes of a tar of a tree, nearly: long names and attributes take some more. */
export function estimateTarSize(tree: FolderNode): number {
  let size = 2 * blockSize;
  for (const { node } of walkTree(tree)) {
    size += blockSize + Math.ceil(node.size / blockSize) * blockSize;
  }
  return size;
}

const blockSize = 512;
