// SPDX-License-Identifier: Apache-2.0

/**
 * Starts what a reboot ended, as dockerd does when it starts.
 *
 * While the machine runs, restarts are the business of each container's monitor (`settle.ts`). Both
 * hold the container's lock and look at its row under it, so neither starts what the other has.
 */

import { availableParallelism } from "node:os";
import {
  allContainers,
  type ContainerRow,
  containerById,
  isRunning,
} from "../content/containers.ts";
import { withContainerLock } from "./container-lock.ts";
import type { Engine } from "./engine.ts";
import { settle } from "./settle.ts";
import { startUnderLock } from "./start.ts";

export interface StartAfterBootOptions {
  /** Aborted: no more containers are started. */
  readonly signal: AbortSignal;
  readonly onFault: (fault: { readonly name: string; readonly error: unknown }) => void;
}

/** Brings every container to where its restart policy wants it after a reboot. Never rejects. */
export async function startAfterBoot(
  engine: Engine,
  options: StartAfterBootOptions,
): Promise<void> {
  const rows = allContainers(engine.store.database).filter(mayStart);
  // Who lives in the namespaces of others comes after them.
  const [later = [], first = []] = [true, false].map((wanted) =>
    rows.filter((row) => needsAnother(row) === wanted),
  );
  for (const group of [first, later]) {
    const left = group.values();
    const startSome = async () => {
      for (const row of left) {
        if (options.signal.aborted) return;
        await startOne(engine, row, options);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, startSome));
  }
}

async function startOne(
  engine: Engine,
  { id, name }: ContainerRow,
  { onFault }: StartAfterBootOptions,
): Promise<void> {
  try {
    await withContainerLock(engine, id, async () => {
      const found = containerById(engine.store.database, id);
      const row = found && (await settle(engine, found));
      if (row === undefined || isRunning(row.state) || !isWanted(engine, row)) return;
      await startUnderLock(engine, row);
    });
  } catch (error) {
    onFault({ name, error });
  }
}

function policyOf({ definition }: ContainerRow): string {
  return definition.hostConfig.RestartPolicy?.Name ?? "";
}

/** Whether the policy may want a start; what never ran is never started. */
function mayStart(row: ContainerRow): boolean {
  const policy = policyOf(row);
  return row.state.startedAt !== "" && policy !== "" && policy !== "no";
}

function needsAnother({ definition: { hostConfig: host } }: ContainerRow): boolean {
  return [host.NetworkMode, host.IpcMode, host.PidMode].some(
    (mode) => mode?.startsWith("container:") === true,
  );
}

/**
 * Whether a container that has ended is to be started.
 *
 * Of one that was stopped by hand, `always` and `on-failure` forget that at a reboot, as at Docker;
 * in the same boot it stays stopped, however often the server is started.
 *
 * Source: `ShouldRestart` of moby (daemon/internal/restartmanager).
 */
export function isWanted(engine: Pick<Engine, "bootId">, row: ContainerRow): boolean {
  const { state, definition } = row;
  if (state.isManuallyStopped && state.bootId === engine.bootId) return false;
  switch (policyOf(row)) {
    case "always":
      return true;
    case "unless-stopped":
      return !state.isManuallyStopped;
    case "on-failure": {
      const most = definition.hostConfig.RestartPolicy?.MaximumRetryCount ?? 0;
      return state.exitCode !== 0 && (most === 0 || state.restartCount < most);
    }
    default:
      return false;
  }
}
