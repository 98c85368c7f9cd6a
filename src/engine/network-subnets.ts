// SPDX-License-Identifier: Apache-2.0

/** Which subnets a network has on this machine; all inside a transaction. */

import { LadeError } from "../base/errors.ts";
import { chooseIpv4Pool, poolOfFamily, toPrefix } from "../content/address-pools.ts";
import type { Database } from "../content/database.ts";
import { endpointsOfNetwork } from "../content/endpoints.ts";
import { type AddressPool, type NetworkRow, setNetworkDefinition } from "../content/networks.ts";
import type { Store } from "../content/store.ts";
import { claimBridge, foreignSubnets, withClaimsLock } from "../runtime/network/bridges.ts";
import type { HostRoute } from "../runtime/network/host-state.ts";
import { formatIpPrefix, prefixesOverlap } from "../spec/ip-address.ts";
import { bridgeNetworkOf } from "./network-plug.ts";

/**
 * The network with a subnet that is its own on this machine from now on, between all stores.
 *
 * @throws LadeError NETWORK_FAILED where it has to keep its subnet and can't use it
 */
export function claimSubnet(store: Store, network: NetworkRow): NetworkRow {
  if (network.definition.driver !== "bridge") return network;
  return withClaimsLock(() => {
    const usable = withUsableSubnet(store.database, network);
    const bridge = bridgeNetworkOf(usable);
    if (bridge !== undefined) claimBridge(store.paths.database, bridge);
    return usable;
  });
}

/**
 * The network with a subnet that it can have on this machine now. One that lade chose is chosen
 * anew where the host has begun to use it for something else, unless containers are on it.
 *
 * @throws LadeError NETWORK_FAILED where it has to keep its subnet and can't use it
 */
export function withUsableSubnet(database: Database, network: NetworkRow): NetworkRow {
  const { definition } = network;
  if (definition.driver !== "bridge") return network;
  const foreign = foreignSubnets(definition.interface);
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
