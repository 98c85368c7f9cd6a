// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import type { Database } from "../content/database.ts";
import {
  allNetworks,
  ensureBuiltInNetworks,
  type NetworkRow,
  networkById,
  networkByName,
  networksByPrefix,
} from "../content/networks.ts";
import type { Store } from "../content/store.ts";
import { randomId } from "./random.ts";

/** The system's own store has a bridge that firewall rules can name. */
const systemRoot = "/var/lib/lade";
const systemBridge = "lade0";

/** The networks of a store, with those that are always there. */
export function networkDatabase({ database, paths }: Pick<Store, "database" | "paths">): Database {
  ensureBuiltInNetworks(database, {
    bridgeName: paths.root === systemRoot ? systemBridge : undefined,
    makeId: randomId,
  });
  return database;
}

/** All networks by name. */
export function networksOf(store: Store): NetworkRow[] {
  return allNetworks(networkDatabase(store));
}

/**
 * Finds a network as Docker does: by its whole ID, else by its name, else by the first digits of
 * its ID.
 *
 * @throws LadeError NETWORK_NOT_FOUND; CONTAINER_INVALID for digits that several IDs begin with
 */
export function findNetwork(store: Store, nameOrId: string): NetworkRow {
  const database = networkDatabase(store);
  const found =
    networkById(database, nameOrId) ??
    networkByName(database, nameOrId === "default" ? "bridge" : nameOrId);
  if (found !== undefined) return found;
  const isPrefix = /^[0-9a-f]{1,64}$/.test(nameOrId);
  const [first, ...more] = isPrefix ? networksByPrefix(database, nameOrId) : [];
  if (first === undefined) {
    throw new LadeError("NETWORK_NOT_FOUND", `network ${nameOrId} not found`, {
      hint: "`lade network ls` lists networks.",
    });
  }
  if (more.length > 0) {
    throw new LadeError(
      "CONTAINER_INVALID",
      `network ${nameOrId} is ambiguous (${more.length + 1} matches found based on ID prefix)`,
      { hint: "Give more digits." },
    );
  }
  return first;
}
