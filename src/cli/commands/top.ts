// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { printable } from "../format/printable.ts";
import { tabulate } from "../format/tabulate.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Display the running processes of a container",
  usage: "CONTAINER [ps OPTIONS]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "running" },
  options: {},
  isInterspersed: false,
  async run(context, { operands: [name = "", ...psArgs], globals }) {
    await using engine = await openEngine(context, globals);
    const { Titles, Processes } = await context.useCases.topContainer(engine, name, psArgs);
    const lines = [Titles, ...Processes].map((cells) => `${cells.map(printable).join("\t")}\n`);
    context.stdout.write(tabulate(lines.join(""), { minWidth: 20, padding: 3 }));
  },
});
