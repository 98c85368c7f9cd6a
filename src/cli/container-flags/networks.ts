// SPDX-License-Identifier: Apache-2.0

import type { EndpointSettings } from "../../spec/container.ts";
import { goQuote } from "../../spec/go-quote.ts";
import { trimSpace } from "../../spec/go-space.ts";
import { InvalidValue } from "../invalid-value.ts";
import { checkMacAddress } from "./addresses.ts";
import { parseCsv } from "./csv.ts";
import { cut } from "./key-values.ts";

/** One `--network`. */
export interface NetworkChoice {
  readonly target: string;
  readonly aliases: readonly string[];
  readonly links: readonly string[];
  readonly linkLocalIps: readonly string[];
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly ip: string;
  readonly ip6: string;
  readonly macAddress: string;
}

const emptyChoice: NetworkChoice = {
  target: "",
  aliases: [],
  links: [],
  linkLocalIps: [],
  driverOptions: {},
  ip: "",
  ip6: "",
  macAddress: "",
};

/** `--network NAME`, or `--network name=NAME,alias=A,ip=…`, which Docker reads in lower case. */
export function parseNetwork(text: string): NetworkChoice {
  if (!/\w+=\w+/.test(text)) return { ...emptyChoice, target: text };
  let choice = emptyChoice;
  for (const field of parseCsv(text)) {
    const [key, value] = cut(field.toLowerCase());
    if (value === undefined || key === "") throw new InvalidValue(`invalid field ${field}`);
    choice = withField(choice, trimSpace(key), trimSpace(value));
  }
  if (choice.target === "") throw new InvalidValue("network name/id is not specified");
  return choice;
}

function withField(choice: NetworkChoice, key: string, value: string): NetworkChoice {
  switch (key) {
    case "name":
      return { ...choice, target: value };
    case "alias":
      return { ...choice, aliases: [...choice.aliases, value] };
    case "ip":
      return { ...choice, ip: value };
    case "ip6":
      return { ...choice, ip6: value };
    case "mac-address":
      return { ...choice, macAddress: value };
    case "link-local-ip":
      return { ...choice, linkLocalIps: [...choice.linkLocalIps, value] };
    case "driver-opt":
      return { ...choice, driverOptions: { ...choice.driverOptions, ...driverOption(value) } };
    case "gw-priority":
      throw new InvalidValue("gw-priority is not supported");
    default:
      throw new InvalidValue(`invalid field key ${key}`);
  }
}

function driverOption(text: string): Record<string, string> {
  const [key, value] = cut(text);
  if (value === undefined || key === "") {
    throw new InvalidValue("invalid key value pair format in driver options");
  }
  return { [trimSpace(key)]: trimSpace(value) };
}

/** Options of their own that stand for fields of the first `--network`. */
export interface NetworkOptions extends Omit<NetworkChoice, "target" | "driverOptions"> {
  readonly networks: readonly NetworkChoice[];
}

export interface NetworkSettings {
  readonly mode: string;
  readonly endpoints: Readonly<Record<string, EndpointSettings>>;
}

const defaultMode = "default";

/** Which network a container starts on, and how it is on each. */
export function networkSettings(options: NetworkOptions): NetworkSettings {
  const { networks } = options;
  const [first = { ...emptyChoice, target: defaultMode }, ...more] = networks;
  const choices = [withOptions(first, options), ...more];
  const endpoints: Record<string, EndpointSettings> = {};
  for (const choice of choices) {
    const endpoint = toEndpoint(choice);
    if (Object.hasOwn(endpoints, choice.target)) {
      throw new InvalidValue(`network ${goQuote(choice.target)} is specified multiple times`);
    }
    const isPlain = choices.length === 1 && Object.keys(endpoint).length === 0;
    // Docker's client leaves out what says nothing, but for the network that nobody named.
    if (!isPlain || networks.length === 0) endpoints[choice.target] = endpoint;
  }
  const own = choices.filter(({ target }) => isUserDefined(target)).length;
  if (own > 0 && own < choices.length) {
    throw new InvalidValue(
      "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
    );
  }
  return { mode: first.target, endpoints };
}

/** Whether it is a network that somebody made, by its name. */
export function isUserDefined(mode: string): boolean {
  return !["default", "bridge", "host", "none"].includes(mode) && !mode.startsWith("container:");
}

function withOptions(choice: NetworkChoice, options: NetworkOptions): NetworkChoice {
  checkConflicts(choice, options);
  const pick = <T extends { readonly length: number }>(own: T, given: T) =>
    given.length > 0 ? given : own;
  return {
    ...choice,
    aliases: pick(choice.aliases, options.aliases),
    // On the default bridge a link is an option of the container.
    links: isUserDefined(choice.target) ? pick(choice.links, options.links) : choice.links,
    linkLocalIps: pick(choice.linkLocalIps, options.linkLocalIps),
    ip: pick(choice.ip, options.ip),
    ip6: pick(choice.ip6, options.ip6),
    macAddress: pick(choice.macAddress, options.macAddress),
  };
}

function checkConflicts(choice: NetworkChoice, options: NetworkOptions): void {
  const pairs = [
    ["aliases", "--network-alias", "per-network alias"],
    ["ip", "--ip", "per-network IPv4 address"],
    ["ip6", "--ip6", "per-network IPv6 address"],
    ["macAddress", "--mac-address", "per-network MAC address"],
    ["linkLocalIps", "--link-local-ip", "per-network link-local IP addresses"],
  ] as const;
  for (const [field, option, what] of pairs) {
    if (choice[field].length === 0 || options[field].length === 0) continue;
    throw new InvalidValue(`conflicting options: cannot specify both ${option} and ${what}`);
  }
}

function toEndpoint(choice: NetworkChoice): EndpointSettings {
  if (trimSpace(choice.target) === "") throw new InvalidValue("no name set for network");
  if (!isUserDefined(choice.target)) {
    if (choice.aliases.length > 0) {
      throw new InvalidValue("network-scoped aliases are only supported for user-defined networks");
    }
    if (choice.links.length > 0) {
      throw new InvalidValue("links are only supported for user-defined networks");
    }
  }
  if (choice.macAddress !== "") checkMacAddress(choice.macAddress);
  const { aliases, links, driverOptions, macAddress } = choice;
  return {
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(Object.keys(driverOptions).length === 0 ? {} : { DriverOpts: driverOptions }),
    ...(links.length === 0 ? {} : { Links: links }),
    ...addressSettings(choice),
    ...(macAddress === "" ? {} : { MacAddress: macAddress }),
  };
}

function addressSettings({ ip, ip6, linkLocalIps }: NetworkChoice): EndpointSettings {
  if (ip === "" && ip6 === "" && linkLocalIps.length === 0) return {};
  return {
    IPAMConfig: {
      ...(ip === "" ? {} : { IPv4Address: ip }),
      ...(ip6 === "" ? {} : { IPv6Address: ip6 }),
      ...(linkLocalIps.length === 0 ? {} : { LinkLocalIPs: linkLocalIps }),
    },
  };
}
