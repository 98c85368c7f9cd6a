// SPDX-License-Identifier: Apache-2.0

import type { EndpointSettings } from "../spec/container.ts";
import type { Database } from "./database.ts";
import { parseOnce } from "./parse-once.ts";

/** A container's place on a network. */
export interface EndpointRow {
  readonly container: string;
  readonly network: string;
  /** Held while the container runs; empty otherwise. */
  readonly ipv4: string;
  readonly ipv6: string;
  readonly details: EndpointDetails;
}

export interface EndpointDetails {
  /** What was asked for. */
  readonly asked: EndpointSettings;
  /** Networks are joined in this order; the first one has the default route and the ports. */
  readonly position: number;
  /** What the container has on the network while it runs. */
  readonly live?: LiveEndpoint | undefined;
}

export interface LiveEndpoint {
  /** 64 hexadecimal digits, new at each start. */
  readonly id: string;
  readonly macAddress: string;
  /** In the container: `eth0`. */
  readonly interface: string;
  /** What it is called by others on the network; none where names don't count. */
  readonly names: readonly string[];
  /** Ports of the host that lead to the container. */
  readonly ports: readonly HostPort[];
  /** Ports that the container's monitor holds though they lead nowhere now. */
  readonly idlePorts?: readonly HostPort[] | undefined;
}

/** A port of the host that leads to one of a container. */
export interface HostPort {
  readonly protocol: PortProtocol;
  readonly containerPort: number;
  /** `0.0.0.0` and `::` stand for all addresses. */
  readonly hostIp: string;
  readonly hostPort: number;
}

export type PortProtocol = "tcp" | "udp" | "sctp";

interface StoredEndpoint {
  readonly container: string;
  readonly network: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly document: string;
}

/** Writes an endpoint, new or changed; inside a transaction. */
export function putEndpoint(database: Database, row: EndpointRow): void {
  database.run(
    `INSERT INTO endpoint (container, network, ipv4, ipv6, document) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (container, network) DO UPDATE SET
       ipv4 = excluded.ipv4, ipv6 = excluded.ipv6, document = excluded.document`,
    row.container,
    row.network,
    row.ipv4,
    row.ipv6,
    JSON.stringify(row.details),
  );
}

/** The endpoints of a container in the order in which it joined. */
export function endpointsOfContainer(database: Database, container: string): EndpointRow[] {
  const rows = database.all<StoredEndpoint>(
    "SELECT * FROM endpoint WHERE container = ?",
    container,
  );
  return rows.map(toRow).sort((a, b) => a.details.position - b.details.position);
}

/** Endpoints of a network that hold addresses or a live place on it. */
export function liveEndpointsOfNetwork(database: Database, network: string): EndpointRow[] {
  return endpointsOfNetwork(database, network).filter((row) => row.details.live !== undefined);
}

export function endpointsOfNetwork(database: Database, network: string): EndpointRow[] {
  return database
    .all<StoredEndpoint>("SELECT * FROM endpoint WHERE network = ? ORDER BY container", network)
    .map(toRow);
}

/** Every endpoint, by container. */
export function allEndpoints(database: Database): Map<string, EndpointRow[]> {
  const rows = database.all<StoredEndpoint>("SELECT * FROM endpoint").map(toRow);
  rows.sort((a, b) => a.details.position - b.details.position);
  return Map.groupBy(rows, (row) => row.container);
}

/** Every port of the host that a container has, with the container. */
export function publishedHostPorts(
  database: Database,
): (HostPort & { readonly container: string })[] {
  return database
    .all<StoredEndpoint>("SELECT * FROM endpoint WHERE document LIKE '%orts\":[{%'")
    .map(toRow)
    .flatMap(({ container, details }) =>
      [...(details.live?.ports ?? []), ...(details.live?.idlePorts ?? [])].map((port) => ({
        ...port,
        container,
      })),
    );
}

/** Gives back what a container held on its networks; inside a transaction. */
export function releaseEndpoints(database: Database, container: string): void {
  for (const row of endpointsOfContainer(database, container)) releaseEndpoint(database, row);
}

/** Gives back what a container held on one network; inside a transaction. */
export function releaseEndpoint(database: Database, row: EndpointRow): void {
  if (row.details.live === undefined && row.ipv4 === "" && row.ipv6 === "") return;
  const { live: _, ...details } = row.details;
  putEndpoint(database, { ...row, ipv4: "", ipv6: "", details });
}

export function deleteEndpoint(database: Database, container: string, network: string): void {
  database.run("DELETE FROM endpoint WHERE container = ? AND network = ?", container, network);
}

function toRow(row: StoredEndpoint): EndpointRow {
  return {
    container: row.container,
    network: row.network,
    ipv4: row.ipv4,
    ipv6: row.ipv6,
    details: parseOnce<EndpointDetails>(row.document),
  };
}
