// SPDX-License-Identifier: Apache-2.0

/**
 * What is told of a container's start and end besides these: its networks and volumes. Noted
 * together, in the transaction of the start or end, so that nobody sees the one without the other.
 */

import type { ContainerRow } from "../content/containers.ts";
import type { Database } from "../content/database.ts";
import { endpointsOfContainer } from "../content/endpoints.ts";
import { networkById } from "../content/networks.ts";
import { noteContainer, noteVolume } from "./container-events.ts";
import { noteNetwork } from "./network-events.ts";

/** Notes that a container's process was started, after what it was given; inside a transaction. */
export function noteStart(
  database: Database,
  row: ContainerRow,
  options: { readonly isAttached: boolean },
): void {
  if (options.isAttached) noteContainer(database, row, "attach");
  noteNetworks(database, row, "connect");
  for (const { Name: name, Destination, RW, Propagation } of volumesOf(row)) {
    noteVolume(database, name, "mount", {
      container: row.id,
      destination: Destination,
      propagation: Propagation,
      "read/write": String(RW),
    });
  }
  noteContainer(database, row, "start");
}

/** Notes that a container's process has ended, and what it gave back; inside a transaction. */
export function noteEnd(
  database: Database,
  row: ContainerRow,
  attributes: Readonly<Record<string, string>>,
): void {
  if (row.state.isOomKilled) noteContainer(database, row, "oom");
  noteContainer(database, row, "die", attributes);
  noteNetworks(database, row, "disconnect");
  for (const { Name: name } of volumesOf(row)) {
    noteVolume(database, name, "unmount", { container: row.id });
  }
}

/** How long a container ran, as its end tells it: in whole seconds. */
export function ranSeconds(row: ContainerRow, endMs: number): string {
  const ranMs = endMs - Date.parse(row.state.startedAt);
  return String(Math.max(0, Math.trunc(ranMs / 1000)));
}

function noteNetworks(
  database: Database,
  row: ContainerRow,
  action: "connect" | "disconnect",
): void {
  for (const endpoint of endpointsOfContainer(database, row.id)) {
    const network = networkById(database, endpoint.network);
    if (network !== undefined) noteNetwork(database, network, action, { container: row.id });
  }
}

function volumesOf(row: ContainerRow) {
  return row.definition.mounts.flatMap((mount) =>
    mount.Type === "volume" && mount.Name !== undefined ? [{ ...mount, Name: mount.Name }] : [],
  );
}
