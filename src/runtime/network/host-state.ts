// SPDX-License-Identifier: Apache-2.0

/** What the kernel says of the network namespace that lade itself is in. */

import * as fs from "node:fs";
import { isSystemError } from "../../base/errors.ts";
import type { IpPrefix } from "../../spec/ip-address.ts";

/** A route of the host: where it leads to, and through which interface. */
export interface HostRoute {
  readonly prefix: IpPrefix;
  readonly interface: string;
}

/** The host's routes of both families, without default routes and the loopback device's. */
export function hostRoutes(): HostRoute[] {
  const routes = [
    ...parseIpv4Routes(readTable("/proc/net/route")),
    ...parseIpv6Routes(readTable("/proc/net/ipv6_route")),
  ];
  return routes.filter((route) => route.prefix.bits > 0 && route.interface !== "lo");
}

/** @param table as /proc/net/route has it (proc(5)): numbers in the machine's byte order */
export function parseIpv4Routes(table: string): HostRoute[] {
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const fields = line.split("\t").map((field) => field.trim());
      const [name, destination, , , , , , mask] = fields;
      if (name === undefined || destination === undefined || mask === undefined) return [];
      const value = BigInt(`0x${swapBytes(destination)}`);
      const bits = BigInt(`0x${swapBytes(mask)}`)
        .toString(2)
        .replaceAll("0", "").length;
      return [{ prefix: { address: { family: 4, value }, bits }, interface: name }];
    });
}

function swapBytes(hex: string): string {
  return (hex.match(/../g) ?? []).reverse().join("");
}

/** @param table as /proc/net/ipv6_route has it */
export function parseIpv6Routes(table: string): HostRoute[] {
  return table.split("\n").flatMap((line) => {
    const fields = line.trim().split(/ +/);
    const [destination, bits] = fields;
    const name = fields[9];
    if (destination === undefined || bits === undefined || name === undefined) return [];
    const value = BigInt(`0x${destination}`);
    const prefix: IpPrefix = { address: { family: 6, value }, bits: Number.parseInt(bits, 16) };
    // Link-local and multicast routes are there for every interface.
    return /^f[ef]/.test(destination) ? [] : [{ prefix, interface: name }];
  });
}

/** Names of the interfaces; `/sys` may be another namespace's. */
export function hostInterfaces(): string[] {
  return readTable("/proc/net/dev")
    .split("\n")
    .flatMap((line) => /^\s*([^:\s]+):/.exec(line)?.[1] ?? []);
}

/** Whether the kernel has IPv6 and it is not switched off. */
export function hasIpv6(): boolean {
  return readTable("/proc/sys/net/ipv6/conf/all/disable_ipv6").trim() === "0";
}

/** First and last of the ports that the kernel gives out by itself. */
export function ephemeralPorts(): readonly [first: number, last: number] {
  const text = readTable("/proc/sys/net/ipv4/ip_local_port_range");
  const [first, last] = text.trim().split(/\s+/).map(Number);
  // Docker's own range where the system does not tell.
  return first !== undefined && last !== undefined && first > 0 ? [first, last] : [49_153, 65_535];
}

function readTable(path: string): string {
  try {
    return fs.readFileSync(path, "latin1");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return "";
    throw error;
  }
}
