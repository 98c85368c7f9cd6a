// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import { type EndpointRow, liveEndpointsOfNetwork } from "../content/endpoints.ts";
import { currentContainer } from "./current.ts";
import type { Engine } from "./engine.ts";

/**
 * The live endpoints of a network, after containers that ended unseen have given theirs back.
 */
export async function settleNetwork(engine: Engine, networkId: string): Promise<EndpointRow[]> {
  const { database } = engine.store;
  for (const { container } of liveEndpointsOfNetwork(database, networkId)) {
    try {
      await currentContainer(engine, container);
    } catch (error) {
      // It went with its end (`--rm`).
      if (!isLadeError(error, "CONTAINER_NOT_FOUND")) throw error;
    }
  }
  return liveEndpointsOfNetwork(database, networkId);
}
