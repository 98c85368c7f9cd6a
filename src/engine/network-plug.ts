// SPDX-License-Identifier: Apache-2.0

import { poolOfFamily } from "../content/address-pools.ts";
import type { ContainerRow } from "../content/containers.ts";
import type { EndpointRow, HostPort } from "../content/endpoints.ts";
import type { NetworkRow } from "../content/networks.ts";
import type { BridgeNetwork } from "../runtime/network/bridges.ts";
import type { ForwardedPort, Plug } from "../runtime/network/netavark.ts";

const defaultMetric = 100;

/** What all containers on a network have in common; undefined for networks without a bridge. */
export function bridgeNetworkOf({ id, definition }: NetworkRow): BridgeNetwork | undefined {
  if (definition.driver !== "bridge") return undefined;
  const pools = [poolOfFamily(definition.pools, 4), poolOfFamily(definition.pools, 6)];
  return {
    networkId: id,
    bridge: definition.interface,
    subnets: pools.flatMap((pool) =>
      pool === undefined ? [] : [{ subnet: pool.subnet, gateway: pool.gateway }],
    ),
    internal: definition.internal,
  };
}

/** What netavark has to know of a live endpoint; undefined for networks without a bridge. */
export function plugOf(
  row: ContainerRow,
  { ipv4, ipv6, details }: EndpointRow,
  network: NetworkRow,
): Plug | undefined {
  const { live } = details;
  const bridge = bridgeNetworkOf(network);
  if (bridge === undefined || live === undefined) return undefined;
  const mtu = network.definition.options["com.docker.network.driver.mtu"];
  return {
    ...bridge,
    containerId: row.id,
    containerName: row.name,
    addresses: [ipv4, ipv6].filter((address) => address !== ""),
    macAddress: live.macAddress,
    interface: live.interface,
    mtu: mtu === undefined ? undefined : Number(mtu),
    metric: defaultMetric + details.position,
    ports: forwardedPorts(live.ports),
  };
}

/** A port on all addresses of both families is one to netavark, without an address. */
function forwardedPorts(ports: readonly HostPort[]): ForwardedPort[] {
  const forwarded = ports.map((port) => ({
    ...port,
    hostIp: port.hostIp === "0.0.0.0" || port.hostIp === "::" ? "" : port.hostIp,
  }));
  const byKey = new Map(forwarded.map((port) => [Object.values(port).join(" "), port]));
  return [...byKey.values()];
}
