// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  operands: { min: 2, max: 2, completion: "image" },
  options: {},
  isInterspersed: false,
  async run(context, { operands: [source = "", target = ""], globals }) {
    await using engine = await openEngine(context, globals);
    await context.useCases.tagImage(engine, source, target);
  },
});
