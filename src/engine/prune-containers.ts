// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import { allContainers, type ContainerRow, isRunning } from "../content/containers.ts";
import { containerSize } from "./container-size.ts";
import type { PruneContainersReport } from "./container-types.ts";
import { changeContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { pruneTest } from "./prune-test.ts";
import { notePrune } from "./quiet-event.ts";
import { removeUnderLock } from "./remove-container.ts";
import { sweepRemains } from "./sweep-remains.ts";
import type { Filter } from "./types.ts";

/**
 * Removes all containers that don't run, and what killed commands left of others.
 *
 * A container that can't go now, since it is used or changes, stays without a word, as in Docker. A
 * machine that fails is told of, once all that can go has gone.
 *
 * @throws LadeError FILTER_INVALID, IO_FAILED, DISK_FULL
 */
export async function pruneContainers(
  engine: Engine,
  filters: readonly Filter[] = [],
): Promise<PruneContainersReport> {
  const isWanted = pruneTest(filters);
  const containersDeleted: string[] = [];
  let spaceReclaimed = 0;
  const faults: unknown[] = [];
  for (const { id } of allContainers(engine.store.database)) {
    try {
      const size = await pruneOne(engine, id, isWanted);
      if (size === undefined) continue;
      containersDeleted.push(id);
      spaceReclaimed += size;
    } catch (error) {
      if (!isLadeError(error)) throw error;
      faults.push(error);
    }
  }
  await sweepRemains(engine).catch((error: unknown) => void faults.push(error));
  if (faults.length > 0) throw faults[0];
  notePrune(engine.store.database, "container", spaceReclaimed);
  return { containersDeleted, spaceReclaimed };
}

/** @returns the bytes that went; undefined where it stays */
async function pruneOne(
  engine: Engine,
  id: string,
  isWanted: (container: { createdMs: number; labels: Readonly<Record<string, string>> }) => boolean,
): Promise<number | undefined> {
  try {
    return await changeContainer(engine, id, async (row: ContainerRow) => {
      const labels = row.definition.config.Labels ?? {};
      if (isRunning(row.state) || !isWanted({ createdMs: row.createdMs, labels })) return undefined;
      const { sizeRw } = containerSize(engine, row);
      await removeUnderLock(engine, row, { volumes: false });
      return sizeRw;
    });
  } catch (error) {
    // It went meanwhile, or can't go now: prune removes what it can.
    const isLeft = isLadeError(error) && ["not-found", "conflict"].includes(error.kind);
    if (isLeft) return undefined;
    throw error;
  }
}
