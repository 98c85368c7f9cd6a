// SPDX-License-Identifier: Apache-2.0

import type { ContainerRow } from "../content/containers.ts";
import type { Database } from "../content/database.ts";
import { endpointsOfContainer } from "../content/endpoints.ts";
import { networkById } from "../content/networks.ts";
import { linkVariables } from "../spec/link-variables.ts";
import { findLinked, parseLink } from "./network-names.ts";

/** Variables for what a container is linked to; links on networks of the user's own set none. */
export function linkEnvironment(database: Database, row: ContainerRow): readonly string[] {
  const links = row.definition.hostConfig.Links ?? [];
  return links.flatMap((link) => {
    const { target, alias } = parseLink(link);
    const other = findLinked(database, target);
    const address = other === undefined ? "" : addressOnBridge(database, other.id);
    if (other === undefined || address === "") return [];
    const { config } = other.definition;
    return linkVariables({
      name: `/${row.name}/${alias}`,
      address,
      ports: Object.keys(config.ExposedPorts ?? {}),
      environment: config.Env ?? [],
    });
  });
}

function addressOnBridge(database: Database, containerId: string): string {
  const endpoint = endpointsOfContainer(database, containerId).find(
    ({ network }) => networkById(database, network)?.name === "bridge",
  );
  return endpoint?.ipv4 ?? "";
}
