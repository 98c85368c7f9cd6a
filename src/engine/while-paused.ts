// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import type { ContainerRow } from "../content/containers.ts";
import type { Engine } from "./engine.ts";

/**
 * Does work while a container's processes stand still. One that does not run, or that somebody has
 * paused already, is left as it is.
 */
export async function whilePaused<T>(
  engine: Engine,
  row: ContainerRow,
  work: () => Promise<T>,
): Promise<T> {
  if (row.state.status !== "running") return await work();
  const { pauseContainer, unpauseContainer } = await import("./pause.ts");
  const isPaused = await succeeds(() => pauseContainer(engine, row.id));
  try {
    return await work();
  } finally {
    if (isPaused) await succeeds(() => unpauseContainer(engine, row.id));
  }
}

/** It may have ended, or somebody may have paused or let it go on, at any time. */
async function succeeds(call: () => Promise<void>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    const isMoot = ["CONTAINER_CONFLICT", "CONTAINER_NOT_FOUND", "CONTAINER_NOT_RUNNING"] as const;
    if (isMoot.some((code) => isLadeError(error, code))) return false;
    throw error;
  }
}
