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
import { type HostsLine, updateNeighbours } from "../runtime/network/hosts-file.ts";
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
  return [...new Set(names.filter((name) => name !== ""))];
}

/** Rewrites the hosts files of everybody who may know a container that came, went or changed. */
export function updateNetworkNames(engine: Engine, containerId: string): void {
  const { database } = engine.store;
  const concerned = new Set([containerId, ...linkedFrom(database, containerId)]);
  for (const { network } of endpointsOfContainer(database, containerId)) {
    if (isBuiltIn(networkById(database, network)?.name ?? "bridge")) continue;
    for (const other of liveEndpointsOfNetwork(database, network)) concerned.add(other.container);
  }
  for (const id of concerned) updateNamesOf(engine, id);
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

/** Rewrites the names in one container's hosts file. */
export function updateNamesOf(engine: Engine, containerId: string): void {
  const { database, paths } = engine.store;
  updateNeighbours(join(containerFolder(paths, containerId), "hosts"), () =>
    neighboursOf(database, containerId),
  );
}

/** The container itself and all others on its networks, and what it is linked to. */
export function neighboursOf(database: Database, containerId: string): HostsLine[] {
  const own = endpointsOfContainer(database, containerId).filter(
    (endpoint) => endpoint.details.live !== undefined,
  );
  const lines = own.flatMap((endpoint) => {
    const network = networkById(database, endpoint.network);
    if (network === undefined || isBuiltIn(network.name)) return [];
    return liveEndpointsOfNetwork(database, network.id).flatMap((other) =>
      linesOf(other, namesWithNetwork(other, network.name)),
    );
  });
  return [...linkLines(database, containerId, own), ...lines];
}

/** `web` is also `web.mynet`, as Docker's name server has it. */
function namesWithNetwork({ details }: EndpointRow, network: string): string[] {
  const names = details.live?.names ?? [];
  return [...names, ...names.map((name) => `${name}.${network}`)];
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
    return shared === undefined ? [] : linesOf(shared, [...names].filter(Boolean));
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
