// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { setContainerDefinition } from "../content/containers.ts";
import { containerConflict } from "./container-errors.ts";
import { changeContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { findLinked, parseLink, updateOwnNames } from "./network-names.ts";

/**
 * Takes a link away from the container that has it; both containers stay.
 *
 * @param text `web/db`, or `/web/db`: the container, and what it calls the other
 * @throws LadeError CONTAINER_CONFLICT for a container's own name, CONTAINER_NOT_FOUND
 */
export async function removeLink(engine: Engine, text: string): Promise<void> {
  const link = `/${text.replace(/^\//, "")}`;
  const slash = link.lastIndexOf("/");
  const [parent, alias] = [link.slice(0, slash), link.slice(slash + 1)];
  if (parent === "") {
    throw containerConflict("Conflict, cannot remove the default link name of the container");
  }
  const { database } = engine.store;
  const holder = findLinked(database, parent.slice(1));
  if (holder === undefined) {
    throw new LadeError("CONTAINER_NOT_FOUND", `Cannot get parent ${parent} for link name ${link}`);
  }
  await changeContainer(engine, holder.id, async (row) => {
    const { hostConfig } = row.definition;
    const links = hostConfig.Links ?? [];
    const rest = links.filter((one) => parseLink(one).alias !== alias);
    if (rest.length === links.length) {
      throw new LadeError("CONTAINER_NOT_FOUND", `No such container: ${text}`);
    }
    const definition = { ...row.definition, hostConfig: { ...hostConfig, Links: rest } };
    database.transaction(() => setContainerDefinition(database, row.id, definition));
    updateOwnNames(engine, row.id);
  });
}
