// SPDX-License-Identifier: Apache-2.0

import type { ContainerRow } from "../content/containers.ts";
import { isRunning } from "../content/containers.ts";
import { pauseProcess, resumeProcess } from "../runtime/process.ts";
import { containerConflict, containerNotRunning } from "./container-errors.ts";
import { noteContainer } from "./container-events.ts";
import { changeContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { write } from "./settle.ts";

/**
 * Stops a container's processes where they are.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_NOT_RUNNING, CONTAINER_CONFLICT where it is
 *   paused already, RUNTIME_FAILED
 */
export async function pauseContainer(engine: Engine, nameOrId: string): Promise<void> {
  await changeContainer(engine, nameOrId, async (row) => {
    const { status } = row.state;
    if (!isRunning(row.state)) throw containerNotRunning(row.id);
    if (status === "paused") throw containerConflict(`container ${row.id} is already paused`);
    if (status === "restarting") throw containerIsRestarting(row.id);
    await pauseProcess(engine.run, row.id);
    setStatus(engine, row, { status: "paused", action: "pause" });
  });
}

/**
 * Lets a paused container go on.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_CONFLICT where it is not paused, RUNTIME_FAILED
 */
export async function unpauseContainer(engine: Engine, nameOrId: string): Promise<void> {
  await changeContainer(engine, nameOrId, async (row) => {
    if (row.state.status !== "paused") {
      throw containerConflict(`Container ${row.id} is not paused`);
    }
    await resumeProcess(engine.run, row.id);
    setStatus(engine, row, { status: "running", action: "unpause" });
  });
}

export function containerIsRestarting(id: string) {
  return containerConflict(`Container ${id} is restarting, wait until the container is running`);
}

function setStatus(
  engine: Engine,
  row: ContainerRow,
  change: { readonly status: "paused" | "running"; readonly action: string },
): void {
  const { database } = engine.store;
  const state = { ...row.state, status: change.status };
  write(engine, row, state, (now) => noteContainer(database, now, change.action));
}
