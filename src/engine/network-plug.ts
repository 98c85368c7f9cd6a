// SPDX-License-Identifier: Apache-2.0

import { toPrefix } from "../content/address-pools.ts";
import type { ContainerRow } from "../content/containers.ts";
import type { EndpointRow, HostPort } from "../content/endpoints.ts";
import type { NetworkRow } from "../content/networks.ts";
import type { ForwardedPort, Plug } from "../runtime/network/netavark.ts";

const defaultMetric = 100;

/** What netavark has to know of a live endpoint; undefined for networks without a bridge. */
export function plugOf(
  row: ContainerRow,
  { ipv4, ipv6, details }: EndpointRow,
  { id, definition }: NetworkRow,
): Plug | undefined {
  const { live } = details;
  if (definition.driver !== "bridge" || live === undefined) return undefined;
  const addresses: string[] = [];
  const subnets: { subnet: string; gateway: string }[] = [];
  for (const address of [ipv4, ipv6].filter((one) => one !== "")) {
    const family = address.includes(":") ? 6 : 4;
    const pool = definition.pools.find((one) => toPrefix(one.subnet).address.family === family);
    if (pool === undefined) continue;
    addresses.push(address);
    subnets.push({ subnet: pool.subnet, gateway: pool.gateway });
  }
  const mtu = definition.options["com.docker.network.driver.mtu"];
  return {
    containerId: row.id,
    containerName: row.name,
    networkId: id,
    bridge: definition.interface,
    subnets,
    addresses,
    macAddress: live.macAddress,
    interface: live.interface,
    internal: definition.internal,
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
