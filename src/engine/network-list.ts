// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { poolOfFamily, toPrefix } from "../content/address-pools.ts";
import { containerById } from "../content/containers.ts";
import { liveEndpointsOfNetwork } from "../content/endpoints.ts";
import { isBuiltIn, type NetworkRow } from "../content/networks.ts";

import type { NetworkDocument } from "./container-types.ts";
import type { Engine } from "./engine.ts";
import { booleanFilter, collectFilters, matchesLabels } from "./filters.ts";
import { matchesText } from "./match-text.ts";
import { findNetwork, networkDatabase, networksOf } from "./network-find.ts";
import { withUsableSubnet } from "./network-subnets.ts";
import { settleNetwork } from "./network-use.ts";
import type { Filter } from "./types.ts";

const filterNames = ["dangling", "driver", "id", "label", "name", "scope", "type"] as const;

/**
 * All networks by name, without their containers.
 *
 * @throws LadeError FILTER_INVALID
 */
export async function listNetworks(
  engine: Engine,
  filters: readonly Filter[],
): Promise<NetworkDocument[]> {
  const values = collectFilters(filters, filterNames);
  const dangling = booleanFilter(values, "dangling");
  for (const type of values.get("type") ?? []) {
    if (type !== "builtin" && type !== "custom") {
      throw new LadeError("FILTER_INVALID", `invalid filter: 'type'='${type}'`, {
        hint: "Use type=builtin or type=custom.",
      });
    }
  }
  const some = (key: string, test: (value: string) => boolean) =>
    values.get(key)?.some(test) ?? true;
  const isListed = (network: NetworkRow) =>
    some("driver", (driver) => driver === network.definition.driver) &&
    some("id", (id) => matchesText(id, network.id)) &&
    some("name", (name) => matchesText(name, network.name)) &&
    some("scope", (scope) => scope === "local") &&
    some("type", (type) => (type === "builtin") === isBuiltIn(network.name)) &&
    matchesLabels(network.definition.labels, values.get("label") ?? []) &&
    (dangling === undefined || dangling === isDangling(engine, network));
  return networksOf(engine.store)
    .filter(isListed)
    .map((network) => toDocument(withSubnet(engine, network)));
}

function isDangling(engine: Engine, network: NetworkRow): boolean {
  if (isBuiltIn(network.name)) return false;
  return liveEndpointsOfNetwork(engine.store.database, network.id).length === 0;
}

/**
 * One network with the containers that run on it.
 *
 * @throws LadeError NETWORK_NOT_FOUND, CONTAINER_INVALID for an ambiguous ID
 */
export async function inspectNetwork(engine: Engine, nameOrId: string): Promise<NetworkDocument> {
  const network = withSubnet(engine, findNetwork(engine.store, nameOrId));
  await settleNetwork(engine, network.id);
  return { ...toDocument(network), Containers: containersOn(engine, network) };
}

/** The default network gets its subnet when somebody first needs or looks at it. */
function withSubnet(engine: Engine, network: NetworkRow): NetworkRow {
  if (network.definition.driver !== "bridge" || network.definition.pools.length > 0) return network;
  const database = networkDatabase(engine.store);
  return database.transaction(() => withUsableSubnet(database, network), {
    isDurable: false,
  });
}

function toDocument({ id, name, createdMs, definition }: NetworkRow): NetworkDocument {
  return {
    Name: name,
    Id: id,
    Created: new Date(createdMs).toISOString(),
    Scope: "local",
    Driver: definition.driver,
    EnableIPv6: definition.enableIpv6,
    IPAM: {
      Driver: "default",
      Options: definition.ipamOptions,
      Config: definition.pools.map((pool) => ({
        Subnet: pool.subnet,
        ...(pool.ipRange !== undefined && { IPRange: pool.ipRange }),
        Gateway: pool.gateway,
        ...(pool.auxiliary !== undefined && { AuxiliaryAddresses: pool.auxiliary }),
      })),
    },
    Internal: definition.internal,
    Attachable: definition.attachable,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: {},
    Options: definition.options,
    Labels: definition.labels,
  };
}

function containersOn(
  engine: Engine,
  { id, definition }: NetworkRow,
): NetworkDocument["Containers"] {
  const { database } = engine.store;
  const withBits = (address: string, family: 4 | 6): string => {
    const pool = address === "" ? undefined : poolOfFamily(definition.pools, family);
    return pool === undefined ? "" : `${address}/${toPrefix(pool.subnet).bits}`;
  };
  const entries = liveEndpointsOfNetwork(database, id).map((endpoint) => [
    endpoint.container,
    {
      Name: containerById(database, endpoint.container)?.name ?? "",
      EndpointID: endpoint.details.live?.id ?? "",
      MacAddress: endpoint.details.live?.macAddress ?? "",
      IPv4Address: withBits(endpoint.ipv4, 4),
      IPv6Address: withBits(endpoint.ipv6, 6),
    },
  ]);
  return Object.fromEntries(entries) as NetworkDocument["Containers"];
}
