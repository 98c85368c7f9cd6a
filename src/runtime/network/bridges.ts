// SPDX-License-Identifier: Apache-2.0

/**
 * Which bridges lade has made on this machine, and for whom.
 *
 * A bridge stays with its network, as Docker's do, so that the next container need only join it.
 * One file for each says so: all stores together, since each of them may be removed with `rm -r`,
 * and then another one takes its bridges away.
 */

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../../base/errors.ts";
import { parseIpPrefix } from "../../spec/ip-address.ts";
import { withLock } from "../../sys/lock.ts";
import { type HostRoute, hostInterfaces, hostRoutes } from "./host-state.ts";
import type { Plug } from "./netavark.ts";

/** The subnets that a network has on this machine, and what is known of its bridge. */
interface BridgeRecord {
  /** The database of the store that has the network. */
  readonly database: string;
  /** What its bridge is to be made with. */
  readonly network: BridgeNetwork;
  /** What netavark has made it with, to the end, with all rules. */
  readonly made?: BridgeNetwork | undefined;
}

/** What all containers on a bridge have in common. */
export type BridgeNetwork = Pick<Plug, "networkId" | "bridge" | "subnets" | "internal">;

export function networkOfPlug({ networkId, bridge, subnets, internal }: Plug): BridgeNetwork {
  return { networkId, bridge, subnets, internal };
}

/** A folder for each network namespace: bridges of two namespaces may have the same name. */
function recordsFolder(): string {
  return join("/run/lade/bridges", String(fs.statSync("/proc/self/ns/net").ino));
}

function writeRecord(record: BridgeRecord): void {
  const folder = recordsFolder();
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.writeFileSync(join(folder, record.network.bridge), JSON.stringify(record), { mode: 0o600 });
}

export function forgetBridge(bridge: string): void {
  fs.rmSync(join(recordsFolder(), bridge), { force: true });
}

function readRecord(bridge: string): BridgeRecord | undefined {
  try {
    return JSON.parse(fs.readFileSync(join(recordsFolder(), bridge), "utf8")) as BridgeRecord;
  } catch (error) {
    // A crash may have cut it: netavark is asked again.
    if (isSystemError(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function allRecords(): BridgeRecord[] {
  const folder = recordsFolder();
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder)
    .filter((name) => name !== lockName)
    .flatMap((bridge) => readRecord(bridge) ?? []);
}

/** The network whose bridge is there, with all its rules. */
export function findMadeBridge(bridge: string): BridgeNetwork | undefined {
  return hostInterfaces().includes(bridge) ? readRecord(bridge)?.made : undefined;
}

/** True where a bridge was made for this very network, with these addresses. */
export function isSameNetwork(one: BridgeNetwork, other: BridgeNetwork): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Bridges of stores that are no longer there. What such a store only had claimed is forgotten. */
export function abandonedBridges(): BridgeNetwork[] {
  const interfaces = hostInterfaces();
  return allRecords().flatMap(({ database, network, made = network }) => {
    if (fs.existsSync(database)) return [];
    if (interfaces.includes(network.bridge)) return [made];
    forgetBridge(network.bridge);
    return [];
  });
}

/**
 * What a bridge may not overlap with: the host's routes, and subnets of other networks, of whatever
 * store. Abandoned bridges don't count, since they go before a new one comes.
 */
export function foreignSubnets(bridge: string): HostRoute[] {
  const abandoned = abandonedBridges().map((network) => network.bridge);
  const claimed = allRecords().flatMap(({ network }) =>
    network.subnets.flatMap(({ subnet }) => {
      const prefix = parseIpPrefix(subnet);
      return prefix === undefined ? [] : [{ prefix, interface: network.bridge }];
    }),
  );
  return [...hostRoutes(), ...claimed].filter(
    (route) => route.interface !== bridge && !abandoned.includes(route.interface),
  );
}

const lockName = "lock";

/**
 * Does synchronous work while no other store claims a subnet: two that choose at the same time would
 * choose the same.
 */
export function withClaimsLock<T>(work: () => T): T {
  fs.mkdirSync(recordsFolder(), { recursive: true, mode: 0o700 });
  return withLock(join(recordsFolder(), lockName), work);
}

/** Notes that a network has its subnets, before its bridge is there; by who has the claims' lock. */
export function claimBridge(database: string, network: BridgeNetwork): void {
  const known = readRecord(network.bridge);
  if (known !== undefined && isSameNetwork(known.network, network)) return;
  writeRecord({ database, network, made: known?.made });
}

/** Notes that a bridge and all its rules are there. */
export function noteBridge(database: string, network: BridgeNetwork): void {
  writeRecord({ database, network, made: network });
}
