// SPDX-License-Identifier: Apache-2.0

/**
 * A container's `/etc/resolv.conf`: the host's, changed as Docker changes it for networks without
 * a name server of their own.
 *
 * @see resolv.conf(5)
 */

import { isLoopback, parseIpAddress } from "../../spec/ip-address.ts";
import { readHostFile } from "./hosts-file.ts";

export interface ResolvOptions {
  /** `--dns`, `--dns-search` and `--dns-option`; what is empty leaves the host's. */
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
  /** False for containers that share the host's network, where its loopback addresses work. */
  readonly isOwnNetwork: boolean;
  readonly hasIpv6: boolean;
}

/** Docker's, for hosts whose own name servers can't be reached from a container. */
const fallbackServers = {
  ipv4: ["8.8.8.8", "8.8.4.4"],
  ipv6: ["2001:4860:4860::8888", "2001:4860:4860::8844"],
};

interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
  /** Lines of other kinds. */
  readonly others: readonly string[];
}

/** @param host the host's own file */
export function formatResolvConf(host: string, options: ResolvOptions): string {
  const found = parseResolvConf(host);
  const search = options.search.length > 0 ? options.search : found.search;
  const lines = [
    ...nameserversFor(found, options).map((server) => `nameserver ${server}`),
    ...wordLine("search", withoutRoot(search, options)),
    ...wordLine("options", options.options.length > 0 ? options.options : found.options),
    ...found.others,
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function nameserversFor(found: ResolvConf, options: ResolvOptions): readonly string[] {
  if (options.nameservers.length > 0) return options.nameservers;
  if (!options.isOwnNetwork) return found.nameservers;
  const usable = found.nameservers.filter((server) => {
    const address = parseIpAddress(server);
    return (
      address !== undefined && !isLoopback(address) && (address.family === 4 || options.hasIpv6)
    );
  });
  if (usable.length > 0) return usable;
  return options.hasIpv6
    ? [...fallbackServers.ipv4, ...fallbackServers.ipv6]
    : fallbackServers.ipv4;
}

/** `--dns-search .` stands for none at all. */
function withoutRoot(search: readonly string[], options: ResolvOptions): readonly string[] {
  return options.search.length > 0 ? search.filter((domain) => domain !== ".") : search;
}

function wordLine(word: string, values: readonly string[]): string[] {
  return values.length === 0 ? [] : [`${word} ${values.join(" ")}`];
}

function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  const options: string[] = [];
  const others: string[] = [];
  let search: string[] = [];
  for (const line of text.split("\n")) {
    const [word, ...values] = line.trim().split(/\s+/);
    if (word === "" || word === undefined || /^[#;]/.test(line)) continue;
    if (word === "nameserver") {
      // With a zone, as link-local servers have one, it would mean nothing in a container.
      const [server = ""] = values;
      if (parseIpAddress(server) !== undefined) nameservers.push(server);
    } else if (word === "search" || word === "domain") {
      if (values.length > 0) search = values;
    } else if (word === "options") {
      options.push(...values);
    } else {
      others.push(line);
    }
  }
  return { nameservers, search, options, others };
}

const systemdServer = "127.0.0.53";

/** The host's file; behind systemd-resolved the one with the servers that it asks itself. */
export function readHostResolvConf(): string {
  const text = readHostFile("/etc/resolv.conf");
  const { nameservers } = parseResolvConf(text);
  const isSystemd = nameservers.length === 1 && nameservers[0] === systemdServer;
  return (isSystemd ? readHostFile("/run/systemd/resolve/resolv.conf") : "") || text;
}
