// SPDX-License-Identifier: Apache-2.0

/** Which subnets networks get, and which addresses containers get in them. */

import { LadeError } from "../base/errors.ts";
import {
  formatIpAddress,
  formatIpPrefix,
  type IpAddress,
  type IpPrefix,
  lastAddress,
  maskedPrefix,
  parseIpAddress,
  parseIpPrefix,
  prefixContains,
  prefixesOverlap,
  prefixSize,
} from "../spec/ip-address.ts";
import type { Database } from "./database.ts";
import { type AddressPool, allNetworks } from "./networks.ts";

/** Docker's pools: /16 from 172.17 to 172.31, then /20 of 192.168. */
function* defaultSubnets(): Generator<IpPrefix> {
  for (let second = 17; second <= 31; second++) yield toPrefix(`172.${second}.0.0/16`);
  for (let third = 0; third <= 240; third += 16) yield toPrefix(`192.168.${third}.0/20`);
}

export interface TakenSubnets {
  /** What the host's own routes lead to. */
  readonly host: readonly IpPrefix[];
  /** A network whose own subnets don't count. */
  readonly except?: string | undefined;
}

/**
 * Chooses a subnet that neither another network nor the host uses; inside a transaction.
 *
 * @throws LadeError NETWORK_FAILED when all are taken
 */
export function chooseIpv4Pool(database: Database, taken: TakenSubnets): AddressPool {
  const used = [...taken.host, ...usedSubnets(database, taken.except)];
  for (const subnet of defaultSubnets()) {
    if (used.some((other) => prefixesOverlap(other, subnet))) continue;
    return { subnet: formatIpPrefix(subnet), gateway: firstGateway(subnet), isChosen: true };
  }
  throw new LadeError("NETWORK_FAILED", "all predefined address pools have been fully subnetted", {
    hint: "Remove networks that nobody uses with `lade network prune`, or give a --subnet.",
  });
}

/**
 * A private subnet with random digits, as RFC 4193 has them.
 *
 * @param digits at least ten hexadecimal ones
 */
export function chooseIpv6Pool(digits: string): AddressPool {
  const groups = [digits.slice(0, 2), digits.slice(2, 6), digits.slice(6, 10)];
  const subnet = maskedPrefix(toPrefix(`fd${groups.join(":")}::/64`));
  return { subnet: formatIpPrefix(subnet), gateway: firstGateway(subnet), isChosen: true };
}

/** Subnets of all networks but one. */
export function usedSubnets(database: Database, except?: string): IpPrefix[] {
  return allNetworks(database)
    .filter((network) => network.id !== except)
    .flatMap((network) => network.definition.pools)
    .map((pool) => toPrefix(pool.subnet));
}

/** The address that Docker gives the gateway where none is asked for: the first of the range. */
export function firstGateway(subnet: IpPrefix, range?: IpPrefix): string {
  const base = maskedPrefix(range ?? subnet).address;
  const isSubnetItself = base.value === maskedPrefix(subnet).address.value;
  const value = isSubnetItself && prefixSize(subnet) > 2n ? base.value + 1n : base.value;
  return formatIpAddress({ family: base.family, value });
}

export interface AddressRequest {
  readonly pool: AddressPool;
  /** Addresses of other containers. */
  readonly used: ReadonlySet<string>;
  /** One that must be had. */
  readonly asked?: string | undefined;
}

/**
 * Finds an address for a container: the one that was asked for, or the first that is free.
 *
 * @returns undefined where none is free
 * @throws LadeError NETWORK_IN_USE where the one that was asked for is taken
 */
export function chooseAddress({ pool, used, asked }: AddressRequest): string | undefined {
  const reserved = new Set([pool.gateway, ...Object.values(pool.auxiliary ?? {})]);
  if (asked !== undefined) {
    if (used.has(asked) || reserved.has(asked) || !isUsable(pool, asked)) {
      throw new LadeError("NETWORK_IN_USE", "Address already in use");
    }
    return asked;
  }
  const range = toPrefix(pool.ipRange ?? pool.subnet);
  const { family, value } = maskedPrefix(range).address;
  const end = lastAddress(range).value;
  // Among so many candidates one is free: there are no more that could be taken.
  const tries = BigInt(used.size + reserved.size + 3);
  for (let step = 0n; step <= tries && value + step <= end; step++) {
    const text = formatIpAddress({ family, value: value + step });
    if (!used.has(text) && !reserved.has(text) && isUsable(pool, text)) return text;
  }
  return undefined;
}

/** The first address of a subnet names it and the last of IPv4 is for broadcasts. */
function isUsable(pool: AddressPool, text: string): boolean {
  const subnet = toPrefix(pool.subnet);
  const address = toAddress(text);
  if (prefixSize(subnet) <= 2n) return true;
  if (address.value === maskedPrefix(subnet).address.value) return false;
  return address.family === 6 || address.value !== lastAddress(subnet).value;
}

/** The first pool of a family. */
export function poolOfFamily(
  pools: readonly AddressPool[],
  family: 4 | 6,
): AddressPool | undefined {
  return pools.find((pool) => toPrefix(pool.subnet).address.family === family);
}

export function isInPool(pool: AddressPool, address: IpAddress): boolean {
  return prefixContains(toPrefix(pool.subnet), address);
}

/** A prefix that has been checked before, such as one of the database's. */
export function toPrefix(text: string): IpPrefix {
  const prefix = parseIpPrefix(text);
  if (prefix === undefined) throw new Error(`no prefix: ${text}`);
  return prefix;
}

/** An address that has been checked before. */
export function toAddress(text: string): IpAddress {
  const address = parseIpAddress(text);
  if (address === undefined) throw new Error(`no address: ${text}`);
  return address;
}
