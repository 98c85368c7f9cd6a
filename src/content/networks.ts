// SPDX-License-Identifier: Apache-2.0

import type { Database } from "./database.ts";
import { parseOnce } from "./parse-once.ts";

/** A network as the database has it. */
export interface NetworkRow {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly createdMs: number;
  readonly definition: NetworkDefinition;
}

/** `null` is what Docker calls the driver of `none`. */
export type NetworkDriver = "bridge" | "host" | "null";

export interface NetworkDefinition {
  readonly driver: NetworkDriver;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly enableIpv6: boolean;
  /** At most one of each family has addresses for containers: the first. */
  readonly pools: readonly AddressPool[];
  readonly ipamOptions: Readonly<Record<string, string>> | null;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Name of the bridge on the host; empty for networks without one. */
  readonly interface: string;
}

/** Addresses of a network, in the spelling of `network inspect`. */
export interface AddressPool {
  /** `172.18.0.0/16` */
  readonly subnet: string;
  /** Part of the subnet that containers get addresses from; all of it where undefined. */
  readonly ipRange?: string | undefined;
  readonly gateway: string;
  /** Addresses that containers don't get, by name. */
  readonly auxiliary?: Readonly<Record<string, string>> | undefined;
  /** The user left the choice to lade, so that another one will do where this one is taken. */
  readonly isChosen: boolean;
}

interface StoredNetwork {
  readonly id: string;
  readonly name: string;
  readonly created_ms: number;
  readonly document: string;
}

/** Docker's networks that are always there, with their drivers. */
export const builtInNetworks: Readonly<Record<string, NetworkDriver>> = {
  bridge: "bridge",
  host: "host",
  none: "null",
};

/** True for `bridge`, `host` and `none`. */
export function isBuiltIn(name: string): boolean {
  return Object.hasOwn(builtInNetworks, name);
}

export interface BuiltInOptions {
  /** Name of the default network's bridge on the host; Docker's `br-…` where undefined. */
  readonly bridgeName?: string | undefined;
  readonly makeId: () => string;
}

/** Writes the networks that every store has, where they are missing. They keep their IDs. */
export function ensureBuiltInNetworks(database: Database, options: BuiltInOptions): void {
  const names = Object.keys(builtInNetworks);
  const count = "SELECT count(*) AS count FROM network WHERE name IN (?, ?, ?)";
  if (database.get<{ count: number }>(count, ...names)?.count === names.length) return;
  database.transaction(() => {
    for (const [name, driver] of Object.entries(builtInNetworks)) {
      const id = options.makeId();
      const isBridge = driver === "bridge";
      const bridge = isBridge ? (options.bridgeName ?? bridgeOf(id)) : "";
      const definition: NetworkDefinition = {
        driver,
        internal: false,
        attachable: false,
        enableIpv6: false,
        pools: [],
        ipamOptions: null,
        options: isBridge ? builtInOptions(bridge) : {},
        labels: {},
        interface: bridge,
      };
      database.run(
        "INSERT OR IGNORE INTO network (id, name, created_ms, document) VALUES (?, ?, ?, ?)",
        id,
        name,
        Date.now(),
        JSON.stringify(definition),
      );
    }
  });
}

/** What `docker network inspect bridge` shows. */
function builtInOptions(bridgeName: string): Record<string, string> {
  const prefix = "com.docker.network";
  return {
    [`${prefix}.bridge.default_bridge`]: "true",
    [`${prefix}.bridge.enable_icc`]: "true",
    [`${prefix}.bridge.enable_ip_masquerade`]: "true",
    [`${prefix}.bridge.host_binding_ipv4`]: "0.0.0.0",
    [`${prefix}.bridge.name`]: bridgeName,
    [`${prefix}.driver.mtu`]: "1500",
  };
}

/** The name that Docker gives the bridge of a network; the kernel allows 15 bytes. */
export function bridgeOf(networkId: string): string {
  return `br-${networkId.slice(0, 12)}`;
}

/** Writes a new network; inside a transaction. The name must be free. */
export function putNetwork(database: Database, row: NetworkRow): void {
  database.run(
    "INSERT INTO network (id, name, created_ms, document) VALUES (?, ?, ?, ?)",
    row.id,
    row.name,
    row.createdMs,
    JSON.stringify(row.definition),
  );
}

export function setNetworkDefinition(
  database: Database,
  id: string,
  definition: NetworkDefinition,
): void {
  database.run("UPDATE network SET document = ? WHERE id = ?", JSON.stringify(definition), id);
}

export function networkById(database: Database, id: string): NetworkRow | undefined {
  return toRow(database.get<StoredNetwork>("SELECT * FROM network WHERE id = ?", id));
}

export function networkByName(database: Database, name: string): NetworkRow | undefined {
  return toRow(database.get<StoredNetwork>("SELECT * FROM network WHERE name = ?", name));
}

/** Networks whose ID begins with these digits. */
export function networksByPrefix(database: Database, prefix: string): NetworkRow[] {
  const rows = database.all<StoredNetwork>(
    "SELECT * FROM network WHERE id >= ? AND id < ?",
    prefix,
    `${prefix}g`,
  );
  return rows.flatMap((row) => toRow(row) ?? []);
}

/** All networks by name. */
export function allNetworks(database: Database): NetworkRow[] {
  const rows = database.all<StoredNetwork>("SELECT * FROM network ORDER BY name");
  return rows.flatMap((row) => toRow(row) ?? []);
}

/** Removes a network, and what stopped containers had on it; inside a transaction. */
export function deleteNetworkRow(database: Database, id: string): void {
  database.run("DELETE FROM endpoint WHERE network = ?", id);
  database.run("DELETE FROM network WHERE id = ?", id);
}

function toRow(row: StoredNetwork | undefined): NetworkRow | undefined {
  if (row === undefined) return undefined;
  return {
    id: row.id,
    name: row.name,
    createdMs: row.created_ms,
    definition: parseOnce<NetworkDefinition>(row.document),
  };
}
