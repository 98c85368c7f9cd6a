// SPDX-License-Identifier: Apache-2.0

/** Giving addresses to a container that starts; all inside a transaction. */

import { LadeError } from "../base/errors.ts";
import {
  chooseAddress,
  chooseIpv4Pool,
  poolOfFamily,
  toAddress,
  toPrefix,
} from "../content/address-pools.ts";
import type { ContainerRow } from "../content/containers.ts";
import type { Database } from "../content/database.ts";
import { type EndpointRow, endpointsOfNetwork } from "../content/endpoints.ts";
import { type AddressPool, type NetworkRow, setNetworkDefinition } from "../content/networks.ts";
import type { Store } from "../content/store.ts";
import { routesInUse } from "../runtime/network/bridges.ts";
import type { HostRoute } from "../runtime/network/host-state.ts";
import { formatIpPrefix, macOfAddress, prefixesOverlap } from "../spec/ip-address.ts";
import { namesOnNetwork } from "./network-names.ts";
import type { NetworkedEndpoint } from "./network-setup.ts";
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
  const routes = routesInUse();
  const interfaces: string[] = [];
  return endpoints.map(({ endpoint, network }) => {
    const usable = withUsableSubnet(store.database, network, routes);
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

/**
 * The network with a subnet that it can have on this machine now. One that lade chose is chosen
 * anew where the host has begun to use it for something else, unless containers are on it.
 *
 * @throws LadeError NETWORK_FAILED where it has to keep its subnet and can't use it
 */
export function withUsableSubnet(
  database: Database,
  network: NetworkRow,
  routes: readonly HostRoute[],
): NetworkRow {
  const { definition } = network;
  if (definition.driver !== "bridge") return network;
  const foreign = routes.filter((route) => route.interface !== definition.interface);
  const pool = poolOfFamily(definition.pools, 4);
  if (pool === undefined && definition.pools.length > 0) return network;
  const rival = pool === undefined ? undefined : rivalOf(pool, foreign);
  if (pool !== undefined && rival === undefined) return network;
  const isIdle = endpointsOfNetwork(database, network.id).every((other) => other.ipv4 === "");
  if (pool !== undefined && rival !== undefined && (!pool.isChosen || !isIdle)) {
    const prefix = formatIpPrefix(rival.prefix);
    throw new LadeError(
      "NETWORK_FAILED",
      `network ${network.name}: its subnet ${pool.subnet} overlaps with the route to ${prefix} through ${rival.interface}`,
      { hint: "Remove that route, or make the network again with another --subnet." },
    );
  }
  const host = foreign.map((route) => route.prefix);
  const chosen = chooseIpv4Pool(database, { host, except: network.id });
  const others = definition.pools.filter((one) => one !== pool);
  const changed = { ...definition, pools: [chosen, ...others] };
  setNetworkDefinition(database, network.id, changed);
  return { ...network, definition: changed };
}

/**
 * The route that stands in the way of a subnet. A subnet that the user chose may lie inside a wider
 * route, which the kernel then prefers it to.
 */
function rivalOf(pool: AddressPool, routes: readonly HostRoute[]): HostRoute | undefined {
  const subnet = toPrefix(pool.subnet);
  return routes.find(
    ({ prefix }) =>
      prefixesOverlap(prefix, subnet) && (pool.isChosen || prefix.bits >= subnet.bits),
  );
}
