// SPDX-License-Identifier: Apache-2.0

import { isLadeError, LadeError } from "../base/errors.ts";
import { containerById } from "../content/containers.ts";
import { type EndpointRow, liveEndpointsOfNetwork } from "../content/endpoints.ts";
import { deleteNetworkRow, isBuiltIn, type NetworkRow, networkById } from "../content/networks.ts";
import { removeBridge } from "../runtime/network/plugs.ts";
import type { Engine } from "./engine.ts";
import { collectFilters, matchesLabels } from "./filters.ts";
import { noteNetwork } from "./network-events.ts";
import { findNetwork, networksOf } from "./network-find.ts";
import { bridgeNetworkOf } from "./network-plug.ts";
import { settleNetwork } from "./network-use.ts";
import { notePrune } from "./quiet-event.ts";
import { parseTimestamp } from "./timestamp.ts";
import type { Filter } from "./types.ts";

/**
 * Removes a network that no running container is on. Stopped ones forget it.
 *
 * @throws LadeError NETWORK_NOT_FOUND, NETWORK_PREDEFINED, NETWORK_IN_USE, CONTAINER_INVALID, NETWORK_FAILED
 */
export async function removeNetwork(engine: Engine, nameOrId: string): Promise<void> {
  const network = findNetwork(engine.store, nameOrId);
  if (isBuiltIn(network.name)) {
    throw new LadeError(
      "NETWORK_PREDEFINED",
      `${network.name} is a pre-defined network and cannot be removed`,
    );
  }
  await remove(engine, network);
}

async function remove(engine: Engine, network: NetworkRow): Promise<void> {
  const { database } = engine.store;
  await settleNetwork(engine, network.id);
  database.transaction(() => {
    if (networkById(database, network.id) === undefined) {
      throw new LadeError("NETWORK_NOT_FOUND", `network ${network.name} not found`);
    }
    const live = liveEndpointsOfNetwork(database, network.id);
    if (live.length > 0) throw inUse(engine, network, live);
    deleteNetworkRow(database, network.id);
    noteNetwork(database, network, "destroy");
  });
  await removeBridgeOf(engine, network);
}

async function removeBridgeOf(engine: Engine, network: NetworkRow): Promise<void> {
  const bridge = bridgeNetworkOf(network);
  if (bridge === undefined) return;
  const { database } = engine.store;
  await removeBridge(bridge, () => liveEndpointsOfNetwork(database, network.id).length === 0);
}

function inUse(engine: Engine, network: NetworkRow, live: readonly EndpointRow[]): LadeError {
  const names = live.map(
    ({ container }) => containerById(engine.store.database, container)?.name ?? container,
  );
  return new LadeError(
    "NETWORK_IN_USE",
    `error while removing network: network ${network.name} id ${network.id} has active endpoints`,
    { hint: `Stop or disconnect ${names.join(", ")} first.` },
  );
}

const filterNames = ["label", "label!", "until"] as const;

/**
 * Removes every network that no running container is on. Of the default one, which is always there,
 * the bridge goes until the next container needs it.
 *
 * @throws LadeError FILTER_INVALID
 */
export async function pruneNetworks(
  engine: Engine,
  filters: readonly Filter[],
): Promise<{ readonly networksDeleted: readonly string[] }> {
  const values = collectFilters(filters, filterNames);
  const [until, ...more] = values.get("until") ?? [];
  if (more.length > 0) {
    throw new LadeError("FILTER_INVALID", "more than one until filter specified");
  }
  const limitMs =
    until === undefined
      ? Number.POSITIVE_INFINITY
      : Number(parseTimestamp(until, Date.now()) / 1_000_000n);
  const unwanted = values.get("label!") ?? [];
  const networksDeleted: string[] = [];
  for (const network of networksOf(engine.store)) {
    if (network.name === "bridge") {
      await settleNetwork(engine, network.id);
      await removeBridgeOf(engine, network);
    }
    const { labels } = network.definition;
    if (isBuiltIn(network.name) || network.createdMs > limitMs) continue;
    if (!matchesLabels(labels, values.get("label") ?? [])) continue;
    if (unwanted.some((label) => matchesLabels(labels, [label]))) continue;
    try {
      await remove(engine, network);
      networksDeleted.push(network.name);
    } catch (error) {
      if (!isLadeError(error, "NETWORK_IN_USE") && !isLadeError(error, "NETWORK_NOT_FOUND")) {
        throw error;
      }
    }
  }
  notePrune(engine.store.database, "network", 0);
  return { networksDeleted };
}
