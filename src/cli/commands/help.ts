// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { ExitStatus } from "../exit-status.ts";
import { findTopic, renderHelp } from "../help.ts";

export const command = defineCommand({
  summary: "Help about the command",
  usage: "[command]",
  operands: { min: 0, max: Number.POSITIVE_INFINITY },
  options: {},
  async run(context, { operands, table }) {
    const topic = findTopic(table, operands);
    if (topic === undefined) {
      throw new ExitStatus(`unknown help topic: ${operands.join(" ")}`);
    }
    context.stdout.write(await renderHelp(table, topic, context.stdout.columns));
  },
});
