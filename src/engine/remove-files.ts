// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { ioError } from "../base/io-error.ts";
import { type ContainerRow, deleteContainerRow, layersOfContainer } from "../content/containers.ts";
import { findImage } from "../content/images.ts";
import { containerFolder } from "../content/paths.ts";
import type { Store } from "../content/store.ts";
import { noteSweep, sweepBlobs } from "../content/sweep.ts";
import { processPaths } from "../runtime/process-paths.ts";
import { removeAll } from "../sys/remove-all.ts";
import { noteContainer } from "./container-events.ts";
import type { Engine } from "./engine.ts";
import { noteEnd } from "./run-events.ts";
import { dismissWaiters } from "./start-waiters.ts";
import { sweepUnpackedLayers } from "./sweep-unpacked.ts";
import { removeRetired, removeVolumeUnlessUsed } from "./volume-folders.ts";
import { unmountVolume } from "./volume-mounts.ts";

export interface RemoveFromStoreOptions {
  /** Also volumes that were made for it and that no other container uses. */
  readonly volumes: boolean;
  /** Attributes of its end, where that is told of only now. */
  readonly die?: Readonly<Record<string, string>>;
}

/**
 * Removes a container that does not run, by who holds its lock: first its rows, for good, then what
 * they were about. A command that is killed in between leaves folders without a row, which
 * `sweepContainerFolders` finds.
 */
export function removeFromStore(
  engine: Engine,
  row: ContainerRow,
  options: RemoveFromStoreOptions,
): void {
  const { store, run } = engine;
  const { database } = store;
  const layers = layersOfContainer(database, row.id);
  const anonymous = options.volumes
    ? row.definition.mounts.flatMap((mount) =>
        mount.isAnonymous === true && mount.Name !== undefined ? [mount.Name] : [],
      )
    : [];
  // Nobody misses the end of a container that goes by itself.
  const isDurable = row.definition.hostConfig.AutoRemove !== true;
  const removed: string[] = [];
  database.transaction(
    () => {
      if (options.die !== undefined) noteEnd(database, row, options.die);
      deleteContainerRow(database, row.id);
      if (findImage(database, row.image) === undefined) noteSweep(store);
      for (const name of anonymous) if (removeVolumeUnlessUsed(store, name)) removed.push(name);
      noteContainer(database, row, "destroy");
    },
    { isDurable },
  );
  for (const name of removed) unmountVolume(engine, name);
  if (removed.length > 0) removeRetired(store);
  removeFolder(store, row.id);
  dismissWaiters(engine, row.id);
  fs.rmSync(processPaths(run, row.id).exitFile, { force: true });
  // Of an image that was removed by force the container was the last to hold the layers.
  const isLast = findImage(database, row.image) === undefined;
  if (isLast) sweepBlobs(store, layers);
  if (isLast || row.definition.layers !== undefined) sweepUnpackedLayers(engine);
}

function removeFolder(store: Store, id: string): void {
  const folder = containerFolder(store.paths, id);
  try {
    // Somebody may still be copying into it: by its row nobody finds it any more, so that ends.
    removeAll(folder, { maxRetries: 10, retryDelay: 20 });
  } catch (error) {
    throw ioError(error, `remove container ${folder}`);
  }
}
