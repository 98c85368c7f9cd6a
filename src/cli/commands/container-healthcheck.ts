// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Check a container's health once; its health monitor runs this",
  usage: "CONTAINER",
  operands: { min: 1, max: 1 },
  options: {},
  async run(context, { operands: [id = ""], globals }) {
    await using engine = await openEngine(context, globals);
    await context.useCases.checkHealth(engine, id);
  },
});
