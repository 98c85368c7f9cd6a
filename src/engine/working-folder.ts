// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import type { ContainerRow } from "../content/containers.ts";
import { makeWorkingFolder } from "../runtime/working-folder.ts";
import { withMountedRootfs } from "./container-rootfs.ts";
import { changeContainer } from "./current.ts";
import type { Engine } from "./engine.ts";

/**
 * Makes a container's working folder before somebody looks at the files of one that never started.
 *
 * Docker makes it at `create`, which has to look into the image for it; here the first start does so,
 * and whoever would see the difference does it earlier.
 *
 * @throws LadeError CONTAINER_NOT_FOUND for one that has been removed since
 */
export async function readyWorkingFolder(engine: Engine, row: ContainerRow): Promise<void> {
  const path = row.definition.config.WorkingDir ?? "";
  if (row.state.status !== "created" || path === "" || path === "/") return;
  try {
    // Alone: what is made while somebody else removes the container would be in the way of that.
    await changeContainer(engine, row.id, async (current) =>
      withMountedRootfs(engine, current, async (rootfs) => makeWorkingFolder(rootfs, path)),
    );
  } catch (error) {
    // Where something else is in the way, `start` tells; its files can be looked at all the same.
    if (!isLadeError(error, "CONTAINER_INVALID")) throw error;
  }
}
