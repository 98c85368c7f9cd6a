// SPDX-License-Identifier: Apache-2.0

import { isRunning } from "../content/containers.ts";
import { listProcesses } from "../runtime/top.ts";
import { containerNotRunning } from "./container-errors.ts";
import { noteContainer } from "./container-events.ts";
import type { TopResult } from "./container-types.ts";
import { currentContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { containerIsRestarting } from "./pause.ts";
import { noteQuietly } from "./quiet-event.ts";

/**
 * The processes of a container, as the host's `ps` shows them.
 *
 * @param psArguments words for `ps`; none: `-ef`
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_NOT_RUNNING, CONTAINER_CONFLICT for one that waits
 *   for its restart, CONTAINER_INVALID for what `ps` does not take, RUNTIME_MISSING
 */
export async function topContainer(
  engine: Engine,
  nameOrId: string,
  psArguments: readonly string[] = [],
): Promise<TopResult> {
  const row = await currentContainer(engine, nameOrId);
  if (!isRunning(row.state)) throw containerNotRunning(row.id);
  if (row.state.status === "restarting") throw containerIsRestarting(row.id);
  const processes = await listProcesses(row.state.pid, psArguments.join(" "));
  const { database } = engine.store;
  noteQuietly(database, () => noteContainer(database, row, "top"));
  return processes;
}
