// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { requestedPorts } from "../runtime/network/ports.ts";
import type { ContainerConfig, HostConfig, NetworkingConfig } from "../spec/container.ts";
import { parseIpAddress } from "../spec/ip-address.ts";

/** What a container's `--network` comes to. */
export type NetworkMode =
  | { readonly kind: "host" | "none" }
  /** Shares the network of another container. */
  | { readonly kind: "container"; readonly container: string }
  | { readonly kind: "network"; readonly network: string };

const shared = "container:";

/** @param mode as `HostConfig.NetworkMode` has it; empty and `default` are the default bridge */
export function parseNetworkMode(mode: string | undefined): NetworkMode {
  if (mode === "host" || mode === "none") return { kind: mode };
  if (mode?.startsWith(shared) === true) {
    return { kind: "container", container: mode.slice(shared.length) };
  }
  const network = mode === undefined || mode === "" || mode === "default" ? "bridge" : mode;
  return { kind: "network", network };
}

/** What the parts of a container say of its network. */
export interface NetworkWishes {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly networking: NetworkingConfig;
}

/**
 * Checks what was asked of a container's network, before the image's part is added: that options go
 * together, and that addresses and ports are some.
 *
 * @throws LadeError CONTAINER_INVALID
 */
export function checkNetworkMode({ config, hostConfig }: NetworkWishes): void {
  requestedPorts({}, hostConfig);
  for (const text of hostConfig.ExtraHosts ?? []) parseExtraHost(text);
  for (const server of hostConfig.Dns ?? []) {
    if (parseIpAddress(server) === undefined) {
      throw new LadeError("CONTAINER_INVALID", `${server} is not an ip address`);
    }
  }
  const { kind } = parseNetworkMode(hostConfig.NetworkMode);
  if (kind === "container") checkSharedNetwork(config, hostConfig);
  if (kind === "host" && (hostConfig.Links?.length ?? 0) > 0) {
    const what = "host type networking can't be used with links";
    throw conflict(`${what}. This would result in undefined behavior`);
  }
}

function checkSharedNetwork(config: ContainerConfig, hostConfig: HostConfig): void {
  const { Links, Dns, ExtraHosts, PortBindings, PublishAllPorts } = hostConfig;
  const mode = "the network mode";
  if (hostConfig.NetworkMode === shared) {
    throw new LadeError("CONTAINER_INVALID", "invalid container format container:<name|id>");
  }
  if ((config.Hostname ?? "") !== "") throw conflict(`hostname and ${mode}`);
  if ((Links?.length ?? 0) > 0) {
    const what = "container type network can't be used with links";
    throw conflict(`${what}. This would result in undefined behavior`);
  }
  if ((Dns?.length ?? 0) > 0) throw conflict(`dns and ${mode}`);
  if ((ExtraHosts?.length ?? 0) > 0) throw conflict(`custom host-to-IP mapping and ${mode}`);
  if (Object.keys(PortBindings ?? {}).length > 0 || PublishAllPorts === true) {
    throw conflict("port publishing and the container type network mode");
  }
  if (Object.keys(config.ExposedPorts ?? {}).length > 0) {
    throw conflict("port exposing and the container type network mode");
  }
}

function conflict(what: string): LadeError {
  return new LadeError("CONTAINER_INVALID", `conflicting options: ${what}`);
}

/** What stands for the host, as the container sees it, in `--add-host`. */
export const hostGateway = "host-gateway";

/**
 * One `--add-host`.
 *
 * @returns its name, and an address or {@link hostGateway}
 * @throws LadeError CONTAINER_INVALID
 */
export function parseExtraHost(text: string): { readonly name: string; readonly address: string } {
  const colon = text.indexOf(":");
  const name = text.slice(0, Math.max(colon, 0));
  const value = text.slice(colon + 1);
  // It becomes a line of a file.
  if (!/^[^\s#]+$/.test(name)) {
    throw new LadeError("CONTAINER_INVALID", `bad format for add-host: "${text}"`);
  }
  const address = /^\[(.*)\]$/.exec(value)?.[1] ?? value;
  if (address !== hostGateway && parseIpAddress(address) === undefined) {
    throw new LadeError("CONTAINER_INVALID", `invalid IP address in add-host: "${value}"`);
  }
  return { name, address };
}
