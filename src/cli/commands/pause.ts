// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { forEachName } from "../each-name.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Pause all processes within one or more containers",
  usage: "CONTAINER [CONTAINER...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "running" },
  options: {},
  async run(context, { operands, globals }) {
    await using engine = await openEngine(context, globals);
    await forEachName(context, operands, (name) => context.useCases.pauseContainer(engine, name));
  },
});
