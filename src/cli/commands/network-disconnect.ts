// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Disconnect a container from a network",
  usage: "[OPTIONS] NETWORK CONTAINER",
  operands: { min: 2, max: 2, completion: "endpoint" },
  options: {
    force: {
      type: "bool",
      short: "f",
      summary: "Force the container to disconnect from a network",
    },
  },
  async run(context, { options: { force }, operands: [network = "", container = ""], globals }) {
    await using engine = await openEngine(context, globals);
    await context.useCases.disconnectNetwork(engine, network, container, { force });
  },
});
