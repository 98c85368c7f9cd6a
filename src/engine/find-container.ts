// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import {
  type ContainerRow,
  containerById,
  containerByName,
  containerIdsByPrefix,
} from "../content/containers.ts";
import type { Store } from "../content/store.ts";

const wholeIdSize = 64;

/**
 * Finds a container as Docker does: by its whole ID, else by its name with or without a slash, else
 * by the first digits of its ID. The state is as it was last written.
 *
 * @throws LadeError CONTAINER_NOT_FOUND; CONTAINER_INVALID for digits that several IDs begin with
 */
export function findContainer({ database }: Store, nameOrId: string): ContainerRow {
  return database.remember(`container ${nameOrId}`, () => find({ database }, nameOrId));
}

function find({ database }: Pick<Store, "database">, nameOrId: string): ContainerRow {
  if (nameOrId === "") {
    throw new LadeError("CONTAINER_INVALID", 'invalid name or ID supplied: ""');
  }
  const byId = nameOrId.length === wholeIdSize ? containerById(database, nameOrId) : undefined;
  const name = nameOrId.startsWith("/") ? nameOrId.slice(1) : nameOrId;
  const found = byId ?? containerByName(database, name) ?? findByPrefix({ database }, nameOrId);
  if (found !== undefined) return found;
  throw containerNotFound(nameOrId);
}

export function containerNotFound(nameOrId: string): LadeError {
  return new LadeError("CONTAINER_NOT_FOUND", `No such container: ${nameOrId}`);
}

function findByPrefix(
  { database }: Pick<Store, "database">,
  prefix: string,
): ContainerRow | undefined {
  if (!/^[0-9a-f]{1,64}$/.test(prefix)) return undefined;
  const [id, other] = containerIdsByPrefix(database, prefix);
  if (id !== undefined && other !== undefined) {
    throw new LadeError("CONTAINER_INVALID", `multiple IDs found with provided prefix: ${prefix}`, {
      hint: `Give more digits: ${id.slice(0, 12)} and ${other.slice(0, 12)} both fit.`,
    });
  }
  return id === undefined ? undefined : containerById(database, id);
}
