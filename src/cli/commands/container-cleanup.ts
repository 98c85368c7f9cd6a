// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "See to the end of a container; its monitor runs this",
  usage: "CONTAINER",
  operands: { min: 1, max: 1 },
  options: {},
  async run(context, { operands: [id = ""], globals }) {
    await using engine = await openEngine(context, globals);
    await context.useCases.cleanupContainer(engine, id);
  },
});
