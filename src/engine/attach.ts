// SPDX-License-Identifier: Apache-2.0

import { isRunning } from "../content/containers.ts";
import { attachTo, resizeProcess } from "../runtime/attach.ts";
import { containerConflict, containerNotRunning } from "./container-errors.ts";
import { noteContainer } from "./container-events.ts";
import type { Attachment, AttachOptions, TerminalSize } from "./container-types.ts";
import { currentContainer } from "./current.ts";
import type { Engine } from "./engine.ts";

/**
 * Connects to the terminal or pipes of a running container.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_NOT_RUNNING, CONTAINER_CONFLICT for one that is
 *   paused or restarting, CONTAINER_INVALID for bad detach keys
 */
export async function attachContainer(
  engine: Engine,
  nameOrId: string,
  options: AttachOptions,
): Promise<Attachment> {
  const row = await currentContainer(engine, nameOrId);
  const { status } = row.state;
  if (status === "paused") {
    throw containerConflict(`container ${nameOrId} is paused, unpause the container before attach`);
  }
  if (status === "restarting") {
    throw containerConflict(
      `container ${nameOrId} is restarting, wait until the container is running`,
    );
  }
  if (!isRunning(row.state)) throw containerNotRunning(row.id);
  const target = { hasTerminal: row.definition.config.Tty === true };
  const attachment = attachTo(engine.run, row.id, options, target);
  const { database } = engine.store;
  database.transaction(() => noteContainer(database, row, "attach"), { isDurable: false });
  return attachment;
}

/**
 * Tells a container's terminal its size.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_NOT_RUNNING
 */
export async function resizeContainer(
  engine: Engine,
  nameOrId: string,
  size: TerminalSize,
): Promise<void> {
  const row = await currentContainer(engine, nameOrId);
  if (!isRunning(row.state)) throw containerNotRunning(row.id);
  resizeProcess(engine.run, row.id, size);
}
