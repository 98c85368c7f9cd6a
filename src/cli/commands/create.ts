// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { creationOptions } from "../container-flags/options.ts";
import { createContainer, readCreation } from "../create-container.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Create a new container",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "image" },
  options: creationOptions,
  isInterspersed: false,
  async run(context, { options, operands, isGiven, globals }) {
    const creation = readCreation(context, { options, operands, isGiven }, "create");
    await using engine = await openEngine(context, globals);
    context.stdout.write(`${await createContainer(context, engine, creation)}\n`);
  },
});
