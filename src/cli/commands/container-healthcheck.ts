// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { ExitStatus } from "../exit-status.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Check a container's health once, and say after how many seconds to check again",
  usage: "CONTAINER",
  operands: { min: 1, max: 1 },
  options: {},
  async run(context, { operands: [id = ""], globals }) {
    await using engine = await openEngine(context, globals);
    const seconds = await context.useCases.checkHealth(engine, id);
    // Nothing is left to check: the loop that runs this ends.
    if (seconds === undefined) throw new ExitStatus("");
    context.stdout.write(`${seconds}\n`);
  },
});
