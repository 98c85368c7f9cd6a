// SPDX-License-Identifier: Apache-2.0

/** Which ports of the host lead to a container. */

import * as fs from "node:fs";
import { isSystemError, LadeError } from "../../base/errors.ts";
import type { HostPort, PortProtocol } from "../../content/endpoints.ts";
import type { ContainerConfig, HostConfig, PortBinding, PortMap } from "../../spec/container.ts";
import { isUnspecified, parseIpAddress } from "../../spec/ip-address.ts";
import { holdPort } from "../../sys/port-socket.ts";

/** A port to publish: on which of the host's ports is free within a range. */
export interface PortRequest {
  readonly protocol: PortProtocol;
  readonly containerPort: number;
  /** Empty for all addresses. */
  readonly hostIp: string;
  /** 0 for one of those that the kernel gives out. */
  readonly firstPort: number;
  readonly lastPort: number;
}

const mostPort = 65_535;
const protocols: readonly string[] = ["tcp", "udp", "sctp"];

interface ContainerPort {
  readonly protocol: PortProtocol;
  readonly port: number;
}

/**
 * The port in a key such as `80/tcp`; without a protocol it is TCP.
 *
 * @throws LadeError CONTAINER_INVALID
 */
export function parseContainerPort(key: string): ContainerPort {
  const [port = "", protocol = "tcp", ...more] = key.split("/");
  if (more.length === 0 && /^\d+$/.test(port) && Number(port) > 0 && Number(port) <= mostPort) {
    if (protocols.includes(protocol)) {
      return { port: Number(port), protocol: protocol as PortProtocol };
    }
  }
  throw new LadeError("CONTAINER_INVALID", `invalid port specification: "${key}"`);
}

/**
 * The ports that a container asks for, those of `-P` among them.
 *
 * @throws LadeError CONTAINER_INVALID for what is no port, range or address
 */
export function requestedPorts(
  config: Pick<ContainerConfig, "ExposedPorts">,
  hostConfig: Pick<HostConfig, "PortBindings" | "PublishAllPorts">,
): PortRequest[] {
  const asked = new Map(Object.entries(hostConfig.PortBindings ?? {}));
  if (hostConfig.PublishAllPorts === true) {
    for (const key of Object.keys(config.ExposedPorts ?? {})) {
      if ((asked.get(key)?.length ?? 0) === 0) asked.set(key, [{}]);
    }
  }
  const requests = [...asked].flatMap(([key, bindings]) =>
    (bindings ?? []).map((binding) => toRequest(parseContainerPort(key), binding)),
  );
  // Exact wishes first, so that a choice never takes a port that is asked for by number.
  return requests.sort((a, b) => freedom(a) - freedom(b));
}

function freedom(request: PortRequest): number {
  return request.firstPort === 0 ? mostPort : request.lastPort - request.firstPort;
}

function toRequest({ port, protocol }: ContainerPort, binding: PortBinding): PortRequest {
  const { HostIp: hostIp = "", HostPort: text = "" } = binding;
  if (hostIp !== "" && parseIpAddress(hostIp) === undefined) {
    throw new LadeError("CONTAINER_INVALID", `invalid IP address: ${hostIp}`);
  }
  const [firstPort = 0, lastPort = firstPort] = text === "" ? [0] : text.split("-").map(Number);
  const isRange = /^\d+(-\d+)?$/.test(text) && firstPort <= lastPort && lastPort <= mostPort;
  if (text !== "" && !isRange) {
    throw new LadeError(
      "CONTAINER_INVALID",
      `invalid port specification: "${text}": want a port or a range of ports`,
    );
  }
  return { protocol, containerPort: port, hostIp, firstPort, lastPort };
}

export interface PortChoice {
  /** Ports that containers have. */
  readonly taken: readonly HostPort[];
  readonly ephemeral: readonly [first: number, last: number];
  /** Addresses for a request that names none: `0.0.0.0`, with IPv6 also `::`. */
  readonly allAddresses: readonly string[];
}

/** Ports that are ours as long as the sockets are open. */
export interface HeldPorts {
  readonly ports: readonly HostPort[];
  readonly sockets: readonly number[];
}

/**
 * Takes a port of the host for every request, or none at all.
 *
 * @throws LadeError PORT_TAKEN
 */
export function holdPorts(requests: readonly PortRequest[], choice: PortChoice): HeldPorts {
  const ports: HostPort[] = [];
  const sockets: number[] = [];
  try {
    for (const request of requests) {
      const found = holdOne(request, { ...choice, taken: [...choice.taken, ...ports] });
      ports.push(...found.ports);
      sockets.push(...found.sockets);
    }
    return { ports, sockets };
  } catch (error) {
    closeAll(sockets);
    throw error;
  }
}

export function closeAll(sockets: readonly number[]): void {
  for (const socket of sockets) fs.closeSync(socket);
}

function holdOne(request: PortRequest, choice: PortChoice): HeldPorts {
  const isEphemeral = request.firstPort === 0;
  const [first, last] = isEphemeral ? choice.ephemeral : [request.firstPort, request.lastPort];
  const isOnlyOne = first === last;
  for (let port = first; port <= last; port++) {
    const wanted = addressesOf(request, choice).map((hostIp) => ({
      protocol: request.protocol,
      containerPort: request.containerPort,
      hostIp,
      hostPort: port,
    }));
    const rival = wanted.find((one) => choice.taken.some((other) => isSamePort(one, other)));
    if (rival === undefined) {
      const sockets = tryToHold(wanted, isOnlyOne);
      if (sockets !== undefined) return { ports: wanted, sockets };
    } else if (isOnlyOne) {
      throw taken(`Bind for ${rival.hostIp}:${port} failed: port is already allocated`);
    }
  }
  throw taken("all ports are allocated");
}

/** All addresses are those of both families: netavark does not tell them apart. */
function addressesOf({ hostIp }: PortRequest, choice: PortChoice): readonly string[] {
  const address = parseIpAddress(hostIp);
  return address === undefined || isUnspecified(address) ? choice.allAddresses : [hostIp];
}

/** Two ports are the same where an address is the same, or all addresses of its family. */
function isSamePort(one: HostPort, other: HostPort): boolean {
  if (one.protocol !== other.protocol || one.hostPort !== other.hostPort) return false;
  if (one.hostIp === other.hostIp) return true;
  const [a, b] = [parseIpAddress(one.hostIp), parseIpAddress(other.hostIp)];
  if (a === undefined || b === undefined || a.family !== b.family) return false;
  return a.value === b.value || isUnspecified(a) || isUnspecified(b);
}

/** @returns undefined where another program has the port and another one would do */
function tryToHold(wanted: readonly HostPort[], isOnlyOne: boolean): number[] | undefined {
  const sockets: number[] = [];
  for (const { protocol, hostIp, hostPort } of wanted) {
    try {
      sockets.push(holdPort({ protocol, address: hostIp, port: hostPort }));
    } catch (error) {
      // Without the kernel's protocol nobody else can have the port either.
      if (isSystemError(error, "EPROTONOSUPPORT")) continue;
      closeAll(sockets);
      if (!isOnlyOne && isSystemError(error, "EADDRINUSE")) return undefined;
      const family = hostIp.includes(":") ? 6 : 4;
      const place = family === 6 ? `[${hostIp}]:${hostPort}` : `${hostIp}:${hostPort}`;
      throw taken(`listen ${protocol}${family} ${place}: bind: ${reasonOf(error)}`, error);
    }
  }
  return sockets;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  EACCES: "permission denied",
};

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasons[code] ?? String(error);
}

function taken(message: string, cause?: unknown): LadeError {
  return new LadeError("PORT_TAKEN", message, { cause });
}

/** Ports as `inspect` shows them: what is published where, and with null what is only exposed. */
export function portMapOf(
  config: Pick<ContainerConfig, "ExposedPorts">,
  hostConfig: Pick<HostConfig, "PortBindings">,
  ports: readonly HostPort[],
): PortMap {
  const map: Record<string, PortBinding[] | null> = {};
  const known = [
    ...Object.keys(config.ExposedPorts ?? {}),
    ...Object.keys(hostConfig.PortBindings ?? {}),
  ];
  // What an image says it exposes may be anything; it is shown as it is.
  for (const key of known) map[key.includes("/") ? key : `${key}/tcp`] = null;
  for (const { protocol, containerPort, hostIp, hostPort } of ports) {
    const key = `${containerPort}/${protocol}`;
    map[key] = [...(map[key] ?? []), { HostIp: hostIp, HostPort: String(hostPort) }];
  }
  return map;
}
