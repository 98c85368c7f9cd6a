// SPDX-License-Identifier: Apache-2.0

import { isLadeError, LadeError } from "../base/errors.ts";
import { type ContainerRow, isRunning } from "../content/containers.ts";
import { containerConflict } from "./container-errors.ts";
import type { RemoveContainerOptions } from "./container-types.ts";
import { changeContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { removeFromStore } from "./remove-files.ts";
import { removeLink } from "./remove-link.ts";
import { ranSeconds } from "./run-events.ts";
import { SIGKILL, sendSignal } from "./send-signal.ts";
import { hasRemains, tearDown } from "./tear-down.ts";

const killedExitCode = 137;

/**
 * Removes a container; with `force` also one that runs; with `link` only a link to it.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_CONFLICT for one that runs
 */
export async function removeContainer(
  engine: Engine,
  nameOrId: string,
  options: RemoveContainerOptions = {},
): Promise<void> {
  if (options.link === true) return await removeLink(engine, nameOrId);
  await changeContainer(engine, nameOrId, async (row) => {
    const { state } = row;
    const runs = isRunning(state);
    if (runs && options.force !== true) throw runningError(nameOrId, row);
    try {
      await removeUnderLock(engine, row, { volumes: options.volumes === true });
    } catch (error) {
      if (!isLadeError(error)) throw error;
      throw new LadeError(error.code, `cannot remove container "${nameOrId}": ${error.message}`, {
        cause: error,
        hint: error.hint,
      });
    }
  });
}

/** Removes a container, whatever it does, by who holds its lock. */
export async function removeUnderLock(
  engine: Engine,
  row: ContainerRow,
  options: { readonly volumes: boolean },
): Promise<void> {
  const runs = isRunning(row.state);
  const hadProcess = runs && row.state.status !== "restarting";
  // From here on it is not restarted, even if this command is killed.
  const current = runs ? await sendSignal(engine, row, SIGKILL) : row;
  if (runs || hasRemains(engine, row.id)) {
    const fault = await tearDown(engine, current);
    if (fault !== undefined && fault.code !== "NETWORK_FAILED") throw fault;
  }
  const die = {
    exitCode: String(killedExitCode),
    execDuration: ranSeconds(row, Date.now()),
  };
  removeFromStore(engine, current, {
    volumes: options.volumes,
    ...(hadProcess && { die }),
  });
}

function runningError(nameOrId: string, { state }: ContainerRow): LadeError {
  const reason =
    state.status === "paused"
      ? "container is paused and must be unpaused first"
      : `container is ${state.status}: stop the container before removing or force remove`;
  return containerConflict(`cannot remove container "${nameOrId}": ${reason}`);
}
