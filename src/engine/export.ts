// SPDX-License-Identifier: Apache-2.0

import { checkOutputPath, writeOutput } from "../archive/output.ts";
import type { ContainerRow } from "../content/containers.ts";
import { disposableSource } from "../rootfs/layer-writer.ts";
import { overlayTrees } from "../rootfs/merged-tree.ts";
import type { TarPart } from "../rootfs/tar-stream.ts";
import { type FolderNode, walkTree } from "../rootfs/tree.ts";
import { treeTarParts } from "../rootfs/tree-tar.ts";
import { noteContainer } from "./container-events.ts";
import {
  checkIsThere,
  estimateTarSize,
  openChanges,
  openLayerFiles,
  startTree,
} from "./container-tree.ts";
import type { ExportOptions } from "./container-types.ts";
import { currentContainer } from "./current.ts";
import type { Engine } from "./engine.ts";

/**
 * Writes a container's file system as a tar, running or not, without the content of volumes.
 *
 * Nothing is mounted or walked for it: the indexes of the image's layers are merged with the
 * container's changes, and the bytes of files copied from the stored tars.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, OUTPUT_INVALID, IO_FAILED for a file that becomes shorter
 *   while it is read, DISK_FULL, PIPE_CLOSED
 */
export async function exportContainer(engine: Engine, options: ExportOptions): Promise<void> {
  const { path, signal, onProgress } = options;
  if (path !== undefined) checkOutputPath(path);
  const row = await currentContainer(engine, options.container);
  using changes = await openChanges(engine, row);
  using layers = openLayerFiles(changes.plan);
  const tree = overlayTrees([startTree(changes.plan, row), changes.upper]);
  const parts = treeTarParts(walkTree(tree), { layers: layers.files, upperFd: changes.upperFd });
  using source = disposableSource(whole(engine, row, parts));
  const copy = { signal, ...(onProgress && { onProgress: progressOf(tree, onProgress) }) };
  await writeOutput(source, options, copy);
  noteExport(engine, row);
}

/** A container that is removed meanwhile must not look like one with fewer files. */
function* whole(engine: Engine, row: ContainerRow, parts: Generator<TarPart>): Generator<TarPart> {
  try {
    yield* parts;
    checkIsThere(engine, row);
  } finally {
    parts.return(undefined);
  }
}

function progressOf(
  tree: FolderNode,
  onProgress: NonNullable<ExportOptions["onProgress"]>,
): (current: number) => void {
  const total = estimateTarSize(tree);
  return (current) => onProgress({ type: "total", current: Math.min(current, total), total });
}

/** Docker's event; it need not survive a power cut. */
function noteExport(engine: Engine, row: ContainerRow): void {
  const { database } = engine.store;
  database.transaction(() => noteContainer(database, row, "export"), { isDurable: false });
}
