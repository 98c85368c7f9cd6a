// SPDX-License-Identifier: Apache-2.0

/** How containers of one network know each other: by names in their hosts files. */

import { join } from "node:path";
import { type ContainerRow, containerById, containerByName } from "../content/containers.ts";
import type { Database } from "../content/database.ts";
import {
  type EndpointRow,
  endpointsOfContainer,
  liveEndpointsOfNetwork,
  putEndpoint,
} from "../content/endpoints.ts";
import { isBuiltIn, type NetworkRow, networkById } from "../content/networks.ts";
import { containerFolder } from "../content/paths.ts";
import { makeRunFolders } from "../rootfs/run-paths.ts";
import { type HostsLine, updateNeighbours } from "../runtime/network/hosts-file.ts";
import { withLock } from "../sys/lock.ts";
import type { Engine } from "./engine.ts";

const shortIdSize = 12;

/** What others on a network call a container. On Docker's default networks names don't count. */
export function namesOnNetwork(
  row: ContainerRow,
  network: NetworkRow,
  aliases: readonly string[],
): string[] {
  if (isBuiltIn(network.name)) return [];
  const hostname = row.definition.config.Hostname ?? "";
  const names = [row.name, ...aliases, row.id.slice(0, shortIdSize), hostname];
  // They become lines of other containers' files.
  return [...new Set(names.filter((name) => /^[^\s#]+$/.test(name)))];
}

/**
 * Rewrites the hosts files of everybody who may know a container that came, went or changed.
 *
 * @param left a network that it is no longer on
 */
export function updateNetworkNames(engine: Engine, containerId: string, left?: NetworkRow): void {
  const { database } = engine.store;
  const networks = endpointsOfContainer(database, containerId).map(({ network }) => network);
  if (left !== undefined) networks.push(left.id);
  const named = networks.filter((id) => !isBuiltIn(networkById(database, id)?.name ?? "bridge"));
  const linked = linkedFrom(database, containerId);
  const hasLinks = linksOf(database, containerById(database, containerId)).length > 0;
  if (named.length === 0 && linked.length === 0 && !hasLinks && left === undefined) return;
  rewriteHosts(engine, (directory) => {
    const members = named.flatMap((id) => directory.members(id).map(({ container }) => container));
    return [containerId, ...linked, ...members];
  });
}

/** Rewrites the hosts file of one container, whose own links have changed. */
export function updateOwnNames(engine: Engine, containerId: string): void {
  rewriteHosts(engine, () => [containerId]);
}

function rewriteHosts(engine: Engine, whose: (directory: Directory) => readonly string[]): void {
  const { database, paths } = engine.store;
  makeRunFolders(engine.run);
  // Who writes last has seen what all before it have changed.
  withLock(join(engine.run.locks, "names"), () => {
    const directory = openDirectory(database);
    for (const id of new Set(whose(directory))) {
      const hosts = join(containerFolder(paths, id), "hosts");
      updateNeighbours(hosts, neighboursOf(database, id, directory));
    }
  });
}

/** Who is on which network, read once for all files that are written together. */
interface Directory {
  members(network: string): readonly EndpointRow[];
  /** Lines for everybody who is on the network. */
  lines(network: string): readonly HostsLine[];
}

function openDirectory(database: Database): Directory {
  const members = new Map<string, readonly EndpointRow[]>();
  const lines = new Map<string, readonly HostsLine[]>();
  return {
    members(network) {
      const known = members.get(network) ?? liveEndpointsOfNetwork(database, network);
      members.set(network, known);
      return known;
    },
    lines(network) {
      const name = networkById(database, network)?.name ?? "";
      const known =
        lines.get(network) ??
        this.members(network).flatMap((one) => linesOf(one, namesWithNetwork(one, name)));
      lines.set(network, known);
      return known;
    },
  };
}

/** Has the other containers of its networks know a container by its new name. */
export function renameOnNetworks(engine: Engine, row: ContainerRow): void {
  const { database } = engine.store;
  database.transaction(
    () => {
      for (const endpoint of endpointsOfContainer(database, row.id)) {
        const network = networkById(database, endpoint.network);
        const { live, asked } = endpoint.details;
        if (live === undefined || network === undefined) continue;
        const names = namesOnNetwork(row, network, asked.Aliases ?? []);
        const details = { ...endpoint.details, live: { ...live, names } };
        putEndpoint(database, { ...endpoint, details });
      }
    },
    { isDurable: false },
  );
  updateNetworkNames(engine, row.id);
}

/** The container itself and all others on its networks, and what it is linked to. */
export function neighboursOf(
  database: Database,
  containerId: string,
  directory: Directory = openDirectory(database),
): HostsLine[] {
  const own = endpointsOfContainer(database, containerId).filter(
    (endpoint) => endpoint.details.live !== undefined,
  );
  const lines = own.flatMap(({ network }) => directory.lines(network));
  return [...linkLines(database, containerId, own), ...lines];
}

/** `web` is also `web.mynet`, as Docker's name server has it. */
function namesWithNetwork({ details }: EndpointRow, network: string): string[] {
  const names = details.live?.names ?? [];
  // A network's name may have what no line of a hosts file can.
  const suffixes = /[\s#]/.test(network) ? [] : [`.${network}`];
  return [...names, ...suffixes.flatMap((suffix) => names.map((name) => `${name}${suffix}`))];
}

function linesOf({ ipv4, ipv6 }: EndpointRow, names: readonly string[]): HostsLine[] {
  if (names.length === 0) return [];
  return [ipv4, ipv6].filter((one) => one !== "").map((address) => ({ address, names }));
}

/** A link's two sides: `db:alias`, where the alias is the name itself unless it is given. */
export function parseLink(link: string): { readonly target: string; readonly alias: string } {
  const [target = "", alias = target] = link.split(":");
  // `inspect` shows links as `/db:/web/alias`, and bodies that were made from it bring them back.
  const bare = (text: string) => text.slice(text.lastIndexOf("/") + 1);
  return { target: bare(target), alias: bare(alias) };
}

function linksOf(database: Database, row: ContainerRow | undefined): readonly string[] {
  if (row === undefined) return [];
  const ofNetworks = endpointsOfContainer(database, row.id).flatMap(
    ({ details }) => details.asked.Links ?? [],
  );
  return [...(row.definition.hostConfig.Links ?? []), ...ofNetworks];
}

function linkLines(
  database: Database,
  containerId: string,
  own: readonly EndpointRow[],
): HostsLine[] {
  return linksOf(database, containerById(database, containerId)).flatMap((link) => {
    const { target, alias } = parseLink(link);
    const row = findLinked(database, target);
    if (row === undefined) return [];
    const shared = endpointsOfContainer(database, row.id).find((other) =>
      own.some((endpoint) => endpoint.network === other.network),
    );
    const names = new Set([alias, row.definition.config.Hostname ?? "", row.name]);
    const usable = [...names].filter((name) => /^[^\s#]+$/.test(name));
    return shared === undefined ? [] : linesOf(shared, usable);
  });
}

export function findLinked(database: Database, target: string): ContainerRow | undefined {
  return containerByName(database, target) ?? containerById(database, target);
}

/** Containers that have a link to this one. */
function linkedFrom(database: Database, containerId: string): string[] {
  const ids = database.all<{ id: string }>(
    `SELECT id FROM container WHERE definition LIKE '%"Links":["%'
     UNION SELECT container FROM endpoint WHERE document LIKE '%"Links":["%'`,
  );
  return ids
    .map(({ id }) => id)
    .filter((id) =>
      linksOf(database, containerById(database, id)).some(
        (link) => findLinked(database, parseLink(link).target)?.id === containerId,
      ),
    );
}
