// SPDX-License-Identifier: Apache-2.0

import type { Database } from "../content/database.ts";
import { putEvent } from "../content/events.ts";
import type { NetworkRow } from "../content/networks.ts";

/** Notes what happened to a network, with the attributes that Docker gives; inside a transaction. */
export function noteNetwork(
  database: Database,
  network: NetworkRow,
  action: "create" | "destroy" | "connect" | "disconnect",
  attributes: Readonly<Record<string, string>> = {},
): void {
  putEvent(database, {
    Type: "network",
    Action: action,
    Actor: {
      ID: network.id,
      Attributes: { ...attributes, name: network.name, type: network.definition.driver },
    },
  });
}
