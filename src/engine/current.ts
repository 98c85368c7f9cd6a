// SPDX-License-Identifier: Apache-2.0

import type { ContainerRow } from "../content/containers.ts";
import { containerById } from "../content/containers.ts";
import { withContainerLock } from "./container-lock.ts";
import { isStale } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { containerNotFound, findContainer } from "./find-container.ts";

/**
 * Finds a container whose row tells what is: where its process ended and nobody wrote that down,
 * this does.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, also where it went with its end (`--rm`); what
 *   `findContainer` throws
 */
export async function currentContainer(engine: Engine, nameOrId: string): Promise<ContainerRow> {
  const row = findContainer(engine.store, nameOrId);
  if (!isStale(engine, row)) return row;
  return await changeContainer(engine, nameOrId, async (current) => current);
}

/**
 * Does work on a container while nobody else changes it.
 *
 * @param work gets the row as it is under the lock
 * @throws LadeError as {@link currentContainer}
 */
export async function changeContainer<T>(
  engine: Engine,
  nameOrId: string,
  work: (row: ContainerRow) => Promise<T>,
): Promise<T> {
  const { id } = findContainer(engine.store, nameOrId);
  return await withContainerLock(engine, id, async () => {
    const found = containerById(engine.store.database, id);
    const row = found && (await settleIfNeeded(engine, found));
    if (row === undefined) throw containerNotFound(nameOrId);
    return await work(row);
  });
}

/** What ends rarely has to be settled, and needs half of lade for it. */
async function settleIfNeeded(
  engine: Engine,
  row: ContainerRow,
): Promise<ContainerRow | undefined> {
  // Under the lock nobody else is starting it, so a start or a making that is written
  // down has failed.
  const isOpen = row.state.isStarting === true || row.state.makes !== undefined;
  if (!isOpen && !isStale(engine, row)) return row;
  const { settle } = await import("./settle.ts");
  return await settle(engine, row);
}
