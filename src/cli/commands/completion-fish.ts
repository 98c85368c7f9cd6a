// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { fishScript } from "../completion/fish.ts";

export const command = defineCommand({
  summary: "Write the completion script of fish",
  description:
    "Write the completion script of fish.\n\n" +
    "For this session:\n\n" +
    "  lade completion fish | source\n\n" +
    "For every session, once:\n\n" +
    "  lade completion fish > ~/.config/fish/completions/lade.fish",
  usage: "",
  operands: { min: 0, max: 0 },
  options: {},
  async run(context, { table }) {
    context.stdout.write(await fishScript(table));
  },
});
