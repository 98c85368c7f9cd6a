// SPDX-License-Identifier: Apache-2.0

/** Giving addresses to a container that starts; all inside a transaction. */

import { LadeError } from "../base/errors.ts";
import { chooseAddress, poolOfFamily, toAddress } from "../content/address-pools.ts";
import type { ContainerRow } from "../content/containers.ts";
import type { Database } from "../content/database.ts";
import { type EndpointRow, endpointsOfNetwork } from "../content/endpoints.ts";
import type { NetworkRow } from "../content/networks.ts";
import type { Store } from "../content/store.ts";
import { macOfAddress } from "../spec/ip-address.ts";
import { namesOnNetwork } from "./network-names.ts";
import type { NetworkedEndpoint } from "./network-setup.ts";
import { claimSubnet } from "./network-subnets.ts";
import { randomId } from "./random.ts";

/**
 * Gives a container its addresses, MAC addresses and interfaces on its networks.
 *
 * @throws LadeError NETWORK_IN_USE for an address that is taken, NETWORK_FAILED where none is free
 */
export function takeAddresses(
  store: Store,
  row: ContainerRow,
  endpoints: readonly NetworkedEndpoint[],
): NetworkedEndpoint[] {
  const interfaces: string[] = [];
  return endpoints.map(({ endpoint, network }) => {
    const usable = claimSubnet(store, network);
    const taken = takeOne(store.database, { row, endpoint, network: usable, interfaces });
    if (taken.details.live !== undefined) interfaces.push(taken.details.live.interface);
    return { endpoint: taken, network: usable };
  });
}

export interface AddressWish {
  readonly row: ContainerRow;
  readonly endpoint: EndpointRow;
  readonly network: NetworkRow;
  /** Names that the container's interfaces have. */
  readonly interfaces: readonly string[];
}

/** Gives a container its place on one network. */
export function takeOne(database: Database, wish: AddressWish): EndpointRow {
  const { row, endpoint, network, interfaces } = wish;
  const { asked } = endpoint.details;
  const others = endpointsOfNetwork(database, network.id).filter(
    (other) => other.container !== row.id,
  );
  const used = new Set(others.flatMap((other) => [other.ipv4, other.ipv6]));
  const take = (family: 4 | 6, askedAddress: string | undefined): string => {
    const pool = poolOfFamily(network.definition.pools, family);
    if (pool === undefined) return "";
    const found = chooseAddress({ pool, used, asked: askedAddress || undefined });
    if (found === undefined) throw noneFree(network, family);
    return found;
  };
  const ipv4 = take(4, asked.IPAMConfig?.IPv4Address);
  const ipv6 = take(6, asked.IPAMConfig?.IPv6Address);
  const ownMac = ipv4 === "" ? "" : macOfAddress(toAddress(ipv4));
  const live = {
    id: randomId(),
    macAddress: asked.MacAddress?.toLowerCase().replaceAll("-", ":") || ownMac,
    interface: freeInterface(network, interfaces),
    names: namesOnNetwork(row, network, asked.Aliases ?? []),
    ports: [],
  };
  return { ...endpoint, ipv4, ipv6, details: { ...endpoint.details, live } };
}

function noneFree(network: NetworkRow, family: 4 | 6): LadeError {
  return new LadeError(
    "NETWORK_FAILED",
    `no available IPv${family} addresses on this network's address pools: ${network.name} (${network.id})`,
    { hint: "Stop containers, or use a network with a larger --subnet." },
  );
}

function freeInterface({ definition }: NetworkRow, taken: readonly string[]): string {
  if (definition.driver !== "bridge") return "";
  const prefix = definition.options["com.docker.network.container_iface_prefix"] ?? "eth";
  for (let number = 0; ; number++) {
    const name = `${prefix}${number}`;
    if (!taken.includes(name)) return name;
  }
}
