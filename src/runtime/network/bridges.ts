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
import { type HostRoute, hostInterfaces, hostRoutes } from "./host-state.ts";
import type { Plug } from "./netavark.ts";

/** What a bridge was made with: netavark came to its end with it and all its rules. */
export interface BridgeRecord {
  /** The database of the store that has the network. */
  readonly database: string;
  readonly network: BridgeNetwork;
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

export function noteBridge(record: BridgeRecord): void {
  const folder = recordsFolder();
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.writeFileSync(join(folder, record.network.bridge), JSON.stringify(record), { mode: 0o600 });
}

export function forgetBridge(bridge: string): void {
  fs.rmSync(join(recordsFolder(), bridge), { force: true });
}

/** The record of a bridge that is there. */
export function findBridge(bridge: string): BridgeRecord | undefined {
  if (!hostInterfaces().includes(bridge)) return undefined;
  try {
    return JSON.parse(fs.readFileSync(join(recordsFolder(), bridge), "utf8")) as BridgeRecord;
  } catch (error) {
    // It was never finished, or a crash cut the record: netavark is asked again.
    if (isSystemError(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** True where a bridge was made for this very network, with these addresses. */
export function isSameNetwork(one: BridgeNetwork, other: BridgeNetwork): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Bridges of stores that are no longer there. Records without a bridge go. */
export function abandonedBridges(): BridgeNetwork[] {
  const folder = recordsFolder();
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder).flatMap((bridge) => {
    const record = findBridge(bridge);
    if (record === undefined) {
      forgetBridge(bridge);
      return [];
    }
    return fs.existsSync(record.database) ? [] : [record.network];
  });
}

/** The host's routes without those of abandoned bridges, which go before a new bridge comes. */
export function routesInUse(): HostRoute[] {
  const abandoned = abandonedBridges().map(({ bridge }) => bridge);
  return hostRoutes().filter((route) => !abandoned.includes(route.interface));
}
