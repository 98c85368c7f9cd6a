// SPDX-License-Identifier: Apache-2.0

import { hostname } from "node:os";
import { join } from "node:path";
import { LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import type { ContainerRow } from "../content/containers.ts";
import { type EndpointRow, endpointsOfContainer } from "../content/endpoints.ts";
import { networkById } from "../content/networks.ts";
import { containerFolder, type StorePaths } from "../content/paths.ts";
import { hasIpv6 } from "../runtime/network/host-state.ts";
import {
  formatHosts,
  type HostsLine,
  ownNames,
  readHostFile,
  withNeighbours,
  writeInPlace,
} from "../runtime/network/hosts-file.ts";
import { formatResolvConf, readHostResolvConf } from "../runtime/network/resolv-conf.ts";
import type { Engine } from "./engine.ts";
import { findContainer } from "./find-container.ts";
import { hostGateway, parseExtraHost, parseNetworkMode } from "./network-mode.ts";
import { findLinked, neighboursOf, parseLink } from "./network-names.ts";
import type { NetworkSetup } from "./network-setup.ts";

/** The files that are mounted over those in `/etc` of a container. */
export interface NetworkFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

/** Where they lie: with a container that shares another one's network, they are that one's. */
export function networkFiles(engine: Engine, row: ContainerRow): NetworkFiles {
  const mode = parseNetworkMode(row.definition.hostConfig.NetworkMode);
  const owner = mode.kind === "container" ? ownerOf(engine, mode.container) : row.id;
  return filesIn(engine.store.paths, owner);
}

function ownerOf(engine: Engine, name: string): string {
  const other = findContainer(engine.store, name);
  const mode = parseNetworkMode(other.definition.hostConfig.NetworkMode);
  return mode.kind === "container" ? ownerOf(engine, mode.container) : other.id;
}

function filesIn(paths: StorePaths, containerId: string): NetworkFiles {
  const folder = containerFolder(paths, containerId);
  return {
    hosts: join(folder, "hosts"),
    hostname: join(folder, "hostname"),
    resolvConf: join(folder, "resolv.conf"),
  };
}

/**
 * Writes a container's `hosts`, `hostname` and `resolv.conf`, once its addresses are known. One
 * that shares another one's network has that one's.
 *
 * @throws LadeError CONTAINER_INVALID for extra hosts and links that lead nowhere, IO_FAILED
 */
export function writeNetworkFiles(engine: Engine, row: ContainerRow, setup: NetworkSetup): void {
  const { hostConfig } = row.definition;
  if (parseNetworkMode(hostConfig.NetworkMode).kind === "container") return;
  const files = filesIn(engine.store.paths, row.id);
  const isOwnNetwork = setup.namespace !== "";
  const endpoints = endpointsOfContainer(engine.store.database, row.id);
  const resolvConf = formatResolvConf(readHostResolvConf(), {
    nameservers: hostConfig.Dns ?? [],
    search: hostConfig.DnsSearch ?? [],
    options: hostConfig.DnsOptions ?? [],
    isOwnNetwork,
    hasIpv6: endpoints.some((endpoint) => endpoint.ipv6 !== ""),
  });
  const contents = {
    hosts: hostsOf(engine, row, endpoints),
    hostname: `${row.definition.config.Hostname || hostname()}\n`,
    resolvConf,
  };
  try {
    writeInPlace(files.hosts, contents.hosts);
    writeInPlace(files.hostname, contents.hostname);
    writeInPlace(files.resolvConf, contents.resolvConf);
  } catch (error) {
    throw ioError(error, `write network files of container ${row.name}`);
  }
}

function hostsOf(engine: Engine, row: ContainerRow, endpoints: readonly EndpointRow[]): string {
  const { config, hostConfig } = row.definition;
  const extra = (hostConfig.ExtraHosts ?? []).map((text) => extraHost(engine, text, endpoints));
  const isHost = parseNetworkMode(hostConfig.NetworkMode).kind === "host";
  if (isHost && extra.length === 0) return readHostFile("/etc/hosts");
  checkLinks(engine, row);
  const names = ownNames(config.Hostname ?? "", config.Domainname);
  const own = endpoints
    .flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6])
    .filter((address) => address !== "")
    .map((address) => ({ address, names }));
  const hosts = formatHosts({ extra, own, hasIpv6: hasIpv6() });
  return withNeighbours(hosts, neighboursOf(engine.store.database, row.id));
}

function extraHost(engine: Engine, text: string, endpoints: readonly EndpointRow[]): HostsLine {
  const { name, address } = parseExtraHost(text);
  const isGateway = address === hostGateway;
  return { address: isGateway ? gatewayOf(engine, endpoints) : address, names: [name] };
}

function gatewayOf(engine: Engine, endpoints: readonly EndpointRow[]): string {
  for (const { network } of endpoints) {
    const definition = networkById(engine.store.database, network)?.definition;
    if (definition?.driver === "host") return "127.0.0.1";
    const pool = definition?.pools[0];
    if (pool !== undefined) return pool.gateway;
  }
  throw new LadeError("CONTAINER_INVALID", "unable to derive the IP value for host-gateway", {
    hint: "A container without a network can't reach the host.",
  });
}

/** Docker starts no container whose links lead to one that does not run. */
function checkLinks(engine: Engine, row: ContainerRow): void {
  const { database } = engine.store;
  for (const link of row.definition.hostConfig.Links ?? []) {
    const { target, alias } = parseLink(link);
    const other = findLinked(database, target);
    if (other === undefined) {
      throw new LadeError("CONTAINER_NOT_FOUND", `could not get container for ${target}`);
    }
    const isUp = endpointsOfContainer(database, other.id).some(({ details }) => details.live);
    if (!isUp) {
      throw new LadeError(
        "CONTAINER_NOT_RUNNING",
        `Cannot link to a non running container: /${other.name} AS /${row.name}/${alias}`,
        { hint: `Start it first: lade start ${other.name}` },
      );
    }
  }
}
