// SPDX-License-Identifier: Apache-2.0

import { containerById, isRunning } from "../content/containers.ts";
import { withContainerLock } from "./container-lock.ts";
import type { Engine } from "./engine.ts";
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
