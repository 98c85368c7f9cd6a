// SPDX-License-Identifier: Apache-2.0

/** Which networks a container is on, and how. */

import { LadeError } from "../base/errors.ts";
import { isInPool } from "../content/address-pools.ts";
import type { EndpointRow } from "../content/endpoints.ts";
import { isBuiltIn, type NetworkRow } from "../content/networks.ts";
import type { Store } from "../content/store.ts";
import type { EndpointSettings } from "../spec/container.ts";
import { isUnspecified, parseIpAddress } from "../spec/ip-address.ts";
import { findNetwork } from "./network-find.ts";
import { type NetworkWishes, parseNetworkMode } from "./network-mode.ts";

/**
 * The endpoints that a new container asks for: that of its network mode first, then the others in
 * the order of the request. They hold nothing until it starts.
 *
 * @throws LadeError NETWORK_NOT_FOUND, CONTAINER_INVALID, UNSUPPORTED
 */
export function planEndpoints(
  store: Store,
  containerId: string,
  wishes: NetworkWishes,
): EndpointRow[] {
  const mode = parseNetworkMode(wishes.hostConfig.NetworkMode);
  if (mode.kind === "container") return [];
  const first = findNetwork(store, mode.kind === "network" ? mode.network : mode.kind);
  const planned = new Map<string, EndpointRow>();
  const asked = askedSettings(store, wishes);
  const add = (network: NetworkRow, settings: EndpointSettings) => {
    checkEndpoint(network, settings);
    const details = { asked: settings, position: planned.size };
    planned.set(network.id, {
      container: containerId,
      network: network.id,
      ipv4: "",
      ipv6: "",
      details,
    });
  };
  add(first, withMac(asked.get(first.id)?.settings ?? {}, wishes));
  for (const { network, settings } of asked.values()) {
    if (network.id === first.id) continue;
    checkTogether(first, network);
    add(network, settings);
  }
  return [...planned.values()];
}

interface AskedEndpoint {
  readonly network: NetworkRow;
  readonly settings: EndpointSettings;
}

function askedSettings(store: Store, { networking }: NetworkWishes): Map<string, AskedEndpoint> {
  const asked = new Map<string, AskedEndpoint>();
  for (const [name, settings] of Object.entries(networking.EndpointsConfig ?? {})) {
    const network = findNetwork(store, name);
    asked.set(network.id, { network, settings: settings ?? {} });
  }
  return asked;
}

/** `--mac-address` is for the first network. */
function withMac(settings: EndpointSettings, { config }: NetworkWishes): EndpointSettings {
  const { MacAddress: mac } = config as { readonly MacAddress?: string };
  return mac && !settings.MacAddress ? { ...settings, MacAddress: mac } : settings;
}

/**
 * Checks that a container may be on two networks at once.
 *
 * @throws LadeError CONTAINER_INVALID
 */
export function checkTogether(one: NetworkRow, other: NetworkRow): void {
  const drivers = [one.definition.driver, other.definition.driver];
  if (drivers.includes("host")) {
    throw invalid(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  }
  if (drivers.includes("null")) {
    throw invalid(
      "container cannot be connected to multiple networks with one of the networks in private (none) mode",
    );
  }
}

/**
 * Checks what is asked of an endpoint against its network.
 *
 * @throws LadeError CONTAINER_INVALID, UNSUPPORTED
 */
export function checkEndpoint(network: NetworkRow, settings: EndpointSettings): void {
  const { IPv4Address: ipv4, IPv6Address: ipv6, LinkLocalIPs } = settings.IPAMConfig ?? {};
  const errors: string[] = [];
  if (isBuiltIn(network.name)) {
    if (ipv4 || ipv6) {
      errors.push("user-specified IP address is supported on user-defined networks only");
    }
    if ((settings.Aliases?.length ?? 0) > 0) {
      errors.push("network-scoped aliases are only supported for user-defined networks");
    }
  }
  errors.push(...addressErrors(network, ipv4, 4), ...addressErrors(network, ipv6, 6));
  if (errors.length > 0) throw invalid(`invalid endpoint settings:\n${errors.join("\n")}`);
  const mac = settings.MacAddress;
  if (mac && !/^([\da-f]{2}[:-]){5}[\da-f]{2}$/i.test(mac)) {
    throw invalid(`invalid MAC address: ${mac}`);
  }
  if ((LinkLocalIPs?.length ?? 0) > 0) throw unsupported("--link-local-ip", "Leave it out.");
  for (const option of Object.keys(settings.DriverOpts ?? {})) {
    // Others are for drivers that neither Docker's bridge nor this one is: both only show them.
    if (!option.startsWith("com.docker.network.")) continue;
    throw unsupported(`--network driver-opt ${option}`, "Leave it out.");
  }
}

function addressErrors(network: NetworkRow, text: string | undefined, family: 4 | 6): string[] {
  if (!text) return [];
  const address = parseIpAddress(text);
  if (address?.family !== family || isUnspecified(address)) {
    return [`invalid IPv${family} address: ${text}`];
  }
  if (isBuiltIn(network.name)) return [];
  const isInside = network.definition.pools.some((pool) => isInPool(pool, address));
  return isInside ? [] : [`no configured subnet contains IP address ${text}`];
}

function invalid(message: string): LadeError {
  return new LadeError("CONTAINER_INVALID", message);
}

function unsupported(what: string, hint: string): LadeError {
  return new LadeError("UNSUPPORTED", `${what} is not supported`, { hint });
}
