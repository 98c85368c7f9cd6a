// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { ExitStatus } from "../exit-status.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Check a container's health once; its health monitor runs this",
  usage: "CONTAINER",
  operands: { min: 1, max: 1 },
  options: {},
  async run(context, { operands: [id = ""], globals }) {
    await using engine = await openEngine(context, globals);
    const seconds = await context.useCases.checkHealth(engine, id);
    // The monitor sleeps so long, and ends with a container that has ended.
    if (seconds === undefined) throw new ExitStatus("", 1);
    context.stdout.write(`${seconds}\n`);
  },
});
