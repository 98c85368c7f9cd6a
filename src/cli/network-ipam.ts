// SPDX-License-Identifier: Apache-2.0

import { BlockList, isIP } from "node:net";
import type { NetworkDocument } from "../engine/container-types.ts";
import { isAddress } from "./container-flags/addresses.ts";
import { InvalidValue } from "./invalid-value.ts";

/** `--subnet`, `--ip-range` and `--gateway` of `network create`. */
export interface IpamOptions {
  readonly subnets: readonly string[];
  readonly ranges: readonly string[];
  readonly gateways: readonly string[];
}

type IpamConfig = NetworkDocument["IPAM"]["Config"][number];

/**
 * Puts each range and gateway to the subnet that it lies in.
 *
 * Source: `createIPAMConfig` of docker/cli (cli/command/network/create.go).
 *
 * @throws InvalidValue
 */
export function ipamConfigs({ subnets, ranges, gateways }: IpamOptions): IpamConfig[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw new InvalidValue("every ip-range or gateway must have a corresponding subnet");
  }
  checkOverlap(subnets);
  const configs = new Map<string, { Subnet: string; IPRange?: string; Gateway?: string }>(
    subnets.map((Subnet) => [Subnet, { Subnet }]),
  );
  for (const range of ranges) {
    parseCidr(range);
    const config = configs.get(subnetOf(subnets, range, "range") ?? "");
    if (config?.IPRange !== undefined) {
      throw new InvalidValue(
        `cannot configure multiple ranges (${range}, ${config.IPRange}) ` +
          `on the same subnet (${config.Subnet})`,
      );
    }
    if (config !== undefined) config.IPRange = range;
  }
  for (const gateway of gateways) {
    const config = configs.get(subnetOf(subnets, gateway, "gateway") ?? "");
    if (config?.Gateway !== undefined) {
      throw new InvalidValue(
        `cannot configure multiple gateways (${gateway}, ${config.Gateway}) ` +
          `for the same subnet (${config.Subnet})`,
      );
    }
    if (config !== undefined) config.Gateway = gateway;
  }
  return [...configs.values()];
}

function checkOverlap(subnets: readonly string[]): void {
  for (const [index, subnet] of subnets.entries()) {
    for (const other of subnets.slice(0, index)) {
      if (contains(subnet, other) || contains(other, subnet)) {
        throw new InvalidValue("multiple overlapping subnet configuration is not supported");
      }
    }
  }
}

function subnetOf(subnets: readonly string[], text: string, what: string): string | undefined {
  const found = subnets.find((subnet) => contains(subnet, text));
  if (found === undefined) throw new InvalidValue(`no matching subnet for ${what} ${text}`);
  return found;
}

interface Cidr {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

function parseCidr(text: string): Cidr {
  const [, address = "", digits] = /^([^/]*)\/(\d{1,3})$/.exec(text) ?? [];
  const prefix = Number(digits);
  if (!isAddress(address) || !(prefix <= (isIP(address) === 4 ? 32 : 128))) {
    throw new InvalidValue(`invalid CIDR address: ${text}`);
  }
  return { address, prefix, family: isIP(address) === 4 ? "ipv4" : "ipv6" };
}

function parseSubnet(text: string): Cidr {
  try {
    return parseCidr(text);
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new InvalidValue(`invalid subnet: ${error.message}`);
  }
}

/** Whether an address, or that of a range, lies in the subnet. */
function contains(subnet: string, text: string): boolean {
  const { address, prefix, family } = parseSubnet(subnet);
  const other = text.includes("/") ? parseCidr(text).address : text;
  if (!isAddress(other)) return false;
  const list = new BlockList();
  list.addSubnet(address, prefix, family);
  return (isIP(other) === 4) === (family === "ipv4") && list.check(other, family);
}
