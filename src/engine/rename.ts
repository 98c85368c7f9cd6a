// SPDX-License-Identifier: Apache-2.0

import { isLadeError, LadeError } from "../base/errors.ts";
import { isRunning, setContainerName } from "../content/containers.ts";
import { containerInvalid } from "./container-errors.ts";
import { noteContainer } from "./container-events.ts";
import { freeName } from "./create.ts";
import { changeContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { renameOnNetworks } from "./network-names.ts";

/**
 * Gives a container another name.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_CONFLICT for a name that is taken,
 *   CONTAINER_INVALID for one that is none, or its own
 */
export async function renameContainer(
  engine: Engine,
  nameOrId: string,
  newName: string,
): Promise<void> {
  const [from, to] = [nameOrId.trim(), newName.trim()];
  if (from.replace(/^\//, "") === "" || to.replace(/^\//, "") === "") {
    throw containerInvalid("Neither old nor new names may be empty");
  }
  const { store } = engine;
  const { database } = store;
  await changeContainer(engine, from, async (row) => {
    if (row.name === to.replace(/^\//, "")) {
      throw containerInvalid("Renaming a container with the same name as its current name");
    }
    const renamed = database.transaction(() => {
      const name = allocate(() => freeName(store, to));
      setContainerName(database, row.id, name);
      const now = { ...row, name };
      noteContainer(database, now, "rename", { oldName: `/${row.name}` });
      return now;
    });
    if (isRunning(renamed.state)) renameOnNetworks(engine, renamed);
  });
}

function allocate(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (!isLadeError(error)) throw error;
    throw new LadeError(error.code, `Error when allocating new name: ${error.message}`, {
      cause: error,
    });
  }
}
