// SPDX-License-Identifier: Apache-2.0

/**
 * Bridges, interfaces, addresses, NAT and port forwarding, by netavark.
 *
 * It reads one JSON document on its standard input; what it does it undoes with the same document.
 * Its own name server is not used (`dns_enabled`): names are in hosts files, so nothing stays that
 * would have to be looked after.
 *
 * @see https://github.com/containers/netavark
 */

import { spawn } from "node:child_process";
import { LadeError } from "../../base/errors.ts";
import { findProgram } from "../tools.ts";

/** One container on one network. */
export interface Plug {
  readonly containerId: string;
  readonly containerName: string;
  readonly networkId: string;
  /** The bridge's name on the host. */
  readonly bridge: string;
  readonly subnets: readonly { readonly subnet: string; readonly gateway: string }[];
  /** One in each subnet, in the same order. */
  readonly addresses: readonly string[];
  readonly macAddress: string;
  /** In the container: `eth0`. */
  readonly interface: string;
  /** Nothing leads out of the network. */
  readonly internal: boolean;
  /** Bytes; the kernel's own where undefined. */
  readonly mtu?: number | undefined;
  /** Of several default routes the one with the lowest number counts. */
  readonly metric: number;
  readonly ports: readonly ForwardedPort[];
}

export interface ForwardedPort {
  readonly protocol: string;
  readonly containerPort: number;
  /** Empty for all addresses of both families. */
  readonly hostIp: string;
  readonly hostPort: number;
}

export interface PlugPlace {
  /** Path of the network namespace. */
  readonly namespace: string;
  /** Descriptor of the lock that netavark keeps until it ends. */
  readonly lock: number;
}

/**
 * Puts an interface into a network namespace and, where it is the first one, makes the bridge.
 *
 * @throws LadeError RUNTIME_MISSING, NETWORK_FAILED
 */
export async function connectPlug(place: PlugPlace, plug: Plug): Promise<void> {
  await netavark("setup", place, plug);
}

/**
 * Takes the interface away again, and the bridge with the last one.
 *
 * @throws LadeError RUNTIME_MISSING; NETWORK_FAILED also where the interface is not there
 */
export async function disconnectPlug(place: PlugPlace, plug: Plug): Promise<void> {
  await netavark("teardown", place, plug);
}

function encodePlug(plug: Plug): string {
  // The name makes the names of firewall chains, which other stores and Podman have, too.
  const name = plug.networkId;
  const options: Record<string, string> = { isolate: "true", metric: String(plug.metric) };
  if (plug.mtu !== undefined) options.mtu = String(plug.mtu);
  return JSON.stringify({
    container_id: plug.containerId,
    container_name: plug.containerName,
    // Left out it means no forwarding at all; an empty list would still open the bridge to localhost.
    ...(plug.ports.length > 0 && { port_mappings: plug.ports.map(encodePort) }),
    networks: {
      [name]: {
        static_ips: plug.addresses,
        static_mac: plug.macAddress,
        interface_name: plug.interface,
      },
    },
    network_info: {
      [name]: {
        name,
        id: plug.networkId,
        driver: "bridge",
        network_interface: plug.bridge,
        subnets: plug.subnets,
        ipv6_enabled: plug.subnets.length > 1,
        internal: plug.internal,
        dns_enabled: false,
        ipam_options: { driver: "host-local" },
        options,
      },
    },
  });
}

function encodePort(port: ForwardedPort): unknown {
  return {
    container_port: port.containerPort,
    host_ip: port.hostIp,
    host_port: port.hostPort,
    protocol: port.protocol,
    range: 1,
  };
}

/** @throws LadeError RUNTIME_MISSING */
export function findNetavark(): string {
  const found = process.env.LADE_NETAVARK || findProgram("netavark");
  if (found !== undefined) return found;
  throw new LadeError("RUNTIME_MISSING", "netavark: not found", {
    hint: "Install it: apt-get install netavark. Without it, --network host and none work.",
  });
}

async function netavark(command: string, place: PlugPlace, plug: Plug): Promise<void> {
  // The folder is for the name server; it is named, but never made.
  const args = ["--config", "/run/lade/netavark", command, place.namespace];
  const input = encodePlug(plug);
  const result = await runProgram(findNetavark(), args, { input, inherited: place.lock });
  if (result.code === 0) return;
  const reason = reasonOf(result);
  throw new LadeError("NETWORK_FAILED", `netavark ${command}: ${reason}`, {
    hint: hintFor(reason),
  });
}

function reasonOf(result: ProgramResult): string {
  try {
    const answer = JSON.parse(result.stdout) as { readonly error?: unknown };
    if (typeof answer.error === "string") return answer.error;
  } catch {
    // It ended before it could answer.
  }
  return result.stderr.trim() || result.stdout.trim() || `exit ${result.code}`;
}

function hintFor(reason: string): string | undefined {
  if (findProgram("iptables") === undefined && findProgram("nft") === undefined) {
    return "Install iptables: apt-get install iptables.";
  }
  if (/tables|firewall|chain/i.test(reason)) {
    return "Check that `iptables -t nat -S` works: the kernel needs its NAT modules.";
  }
  return undefined;
}

export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly input?: string;
  /** A descriptor that the program gets as its fourth. */
  readonly inherited?: number;
}

/** Runs a program with the system's folders on its PATH, which a user's may lack. */
export function runProgram(
  path: string,
  args: readonly string[],
  { input = "", inherited }: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/usr/bin:/sbin:/bin` };
    const more = inherited === undefined ? [] : [inherited];
    const child = spawn(path, args, { env, stdio: ["pipe", "pipe", "pipe", ...more] });
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
    child.once("error", (cause) => {
      reject(new LadeError("NETWORK_FAILED", `${path}: ${cause.message}`, { cause }));
    });
    child.once("close", (code, signal) => {
      resolve({ code: code ?? 1, stdout, stderr: stderr || (signal ? `ended by ${signal}` : "") });
    });
  });
}
