// SPDX-License-Identifier: Apache-2.0

/** Networks of containers as `inspect` and `ps` show them. */

import { poolOfFamily, toPrefix } from "../content/address-pools.ts";
import type { ContainerRow } from "../content/containers.ts";
import { allEndpoints, type EndpointRow, endpointsOfContainer } from "../content/endpoints.ts";
import { isBuiltIn, type NetworkRow, networkById } from "../content/networks.ts";
import { parseContainerPort } from "../runtime/network/ports.ts";
import type { EndpointDocument, PublishedPort } from "./container-types.ts";
import type { Engine } from "./engine.ts";
import { networksOf } from "./network-find.ts";

export type EndpointDocuments = Readonly<Record<string, EndpointDocument>>;

/** One container's networks, by their names. */
export function endpointDocuments(engine: Engine, row: ContainerRow): EndpointDocuments {
  const { database } = engine.store;
  return database.remember(`networks of ${row.id}`, () =>
    toDocuments(endpointsOfContainer(database, row.id), (id) => networkById(database, id)),
  );
}

/** As {@link endpointDocuments}, for lists: all is read once. */
export function allEndpointDocuments(engine: Engine): (row: ContainerRow) => EndpointDocuments {
  return engine.store.database.remember("networks of containers", () => {
    const networks = new Map(networksOf(engine.store).map((network) => [network.id, network]));
    const endpoints = allEndpoints(engine.store.database);
    return (row) => toDocuments(endpoints.get(row.id) ?? [], (id) => networks.get(id));
  });
}

function toDocuments(
  endpoints: readonly EndpointRow[],
  find: (id: string) => NetworkRow | undefined,
): EndpointDocuments {
  const documents: Record<string, EndpointDocument> = {};
  for (const endpoint of endpoints) {
    const network = find(endpoint.network);
    if (network !== undefined) documents[network.name] = toDocument(endpoint, network);
  }
  return documents;
}

function toDocument(endpoint: EndpointRow, network: NetworkRow): EndpointDocument {
  const { asked, live } = endpoint.details;
  const ipv4 = ofFamily(network, 4, endpoint.ipv4);
  const ipv6 = ofFamily(network, 6, endpoint.ipv6);
  return {
    IPAMConfig: asked.IPAMConfig ?? null,
    Links: asked.Links ?? null,
    Aliases: asked.Aliases ?? null,
    // Before the first start what was asked for is all that is known.
    MacAddress: live?.macAddress ?? asked.MacAddress ?? "",
    DriverOpts: asked.DriverOpts ?? null,
    NetworkID: network.id,
    EndpointID: live?.id ?? "",
    Gateway: ipv4.gateway,
    IPAddress: endpoint.ipv4,
    IPPrefixLen: ipv4.bits,
    IPv6Gateway: ipv6.gateway,
    GlobalIPv6Address: endpoint.ipv6,
    GlobalIPv6PrefixLen: ipv6.bits,
    DNSNames: isBuiltIn(network.name) ? null : (live?.names ?? null),
  };
}

/** Gateway and prefix length belong to an address: without one there are none. */
function ofFamily(
  { definition }: NetworkRow,
  family: 4 | 6,
  address: string,
): { readonly gateway: string; readonly bits: number } {
  const pool = address === "" ? undefined : poolOfFamily(definition.pools, family);
  if (pool === undefined) return { gateway: "", bits: 0 };
  return { gateway: definition.internal ? "" : pool.gateway, bits: toPrefix(pool.subnet).bits };
}

/** A running container's ports as `ps` shows them: published ones, and those only exposed. */
export function publishedPorts(row: ContainerRow): PublishedPort[] {
  return Object.entries(row.state.network?.ports ?? {}).flatMap(([key, bindings]) => {
    const [port = "", protocol = "tcp"] = key.split("/");
    // An image may expose what is no port.
    if (!/^\d+$/.test(port) || !/^(tcp|udp|sctp)$/.test(protocol)) return [];
    const { port: privatePort, protocol: type } = parseContainerPort(key);
    const exposed = { PrivatePort: privatePort, Type: type };
    if (bindings === null || bindings.length === 0) return [exposed];
    return bindings.map(({ HostIp = "", HostPort = "" }) => ({
      IP: HostIp,
      ...exposed,
      PublicPort: Number(HostPort),
    }));
  });
}
