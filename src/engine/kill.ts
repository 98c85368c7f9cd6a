// SPDX-License-Identifier: Apache-2.0

import { isLadeError, LadeError } from "../base/errors.ts";
import { isRunning } from "../content/containers.ts";
import { containerNotRunning } from "./container-errors.ts";
import { changeContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { checkSignal, SIGKILL, sendSignal } from "./send-signal.ts";
import { settleById } from "./settle.ts";
import { killForGood } from "./stop.ts";

/**
 * Sends a signal to a container; SIGKILL where none is given, and then it has ended afterwards.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_NOT_RUNNING, CONTAINER_INVALID for a bad signal
 */
export async function killContainer(
  engine: Engine,
  nameOrId: string,
  signal = "KILL",
): Promise<void> {
  try {
    const number = checkSignal(signal || "KILL");
    const id = await changeContainer(engine, nameOrId, async (row) => {
      if (!isRunning(row.state)) throw containerNotRunning(row.id);
      if (number !== SIGKILL) await sendSignal(engine, row, number);
      return row.id;
    });
    if (number !== SIGKILL) return;
    await killForGood(engine, id);
    await settleById(engine, id);
  } catch (error) {
    if (!isLadeError(error)) throw error;
    throw new LadeError(error.code, `cannot kill container: ${nameOrId}: ${error.message}`, {
      cause: error,
      hint: error.hint,
    });
  }
}
