// SPDX-License-Identifier: Apache-2.0

import { isSystemError } from "../base/errors.ts";
import { containerById, isRunning } from "../content/containers.ts";
import { isAlive } from "../runtime/process.ts";
import { withContainerLock } from "./container-lock.ts";
import type { Engine, Waiter } from "./engine.ts";
import { forgetExit, settle } from "./settle.ts";
import { startUnderLock } from "./start.ts";

/**
 * Sees to the end of a container: what its monitor runs when it has ended, and what whoever was
 * attached does. Exit code, network, mounts, `--rm`; and the next start where the restart policy
 * wants one, by the process that waited for it.
 *
 * Nothing to do is fine: several may try.
 */
export async function cleanupContainer(engine: Engine, id: string): Promise<void> {
  await withContainerLock(engine, id, async () => {
    const row = containerById(engine.store.database, id);
    if (row?.state.status === "restarting" && row.state.pid === process.pid) {
      await startUnderLock(engine, row, { isRestart: true });
      return;
    }
    const settled = row && (await settle(engine, row));
    // Whoever removed or undid it may have done so before its monitor wrote the exit code down.
    if (settled === undefined || !isRunning(settled.state)) forgetExit(engine, id);
  });
}

/**
 * Starts a container whose time for a restart has come, in place of the process that waits for that
 * (`settle.ts`): a process that is awake is there at once, and starting lade takes longer than all
 * the rest. Both hold the lock and look at the row, so one of them starts it; the waiter lives until
 * that is done, should this process die before.
 */
export async function restartForWaiter(engine: Engine, id: string, waiter: Waiter): Promise<void> {
  const { pid, startTicks } = waiter;
  await withContainerLock(engine, id, async () => {
    const row = containerById(engine.store.database, id);
    if (row?.state.status !== "restarting") return;
    if (row.state.pid !== pid || row.state.startTicks !== startTicks) return;
    if (!isAlive(pid, startTicks)) return;
    try {
      await startUnderLock(engine, row, { isRestart: true });
    } finally {
      endWaiter(waiter);
    }
  });
}

/** With its `sleep`, which is in its group. */
function endWaiter({ pid, startTicks }: Waiter): void {
  if (!isAlive(pid, startTicks)) return;
  try {
    process.kill(-pid);
  } catch (error) {
    if (!isSystemError(error, "ESRCH")) throw error;
  }
}
