// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { bashScript } from "../completion/bash.ts";

export const command = defineCommand({
  summary: "Write the completion script of bash",
  description:
    "Write the completion script of bash.\n\n" +
    "For this session:\n\n" +
    "  source <(lade completion bash)\n\n" +
    "For every session, once:\n\n" +
    "  lade completion bash > /etc/bash_completion.d/lade",
  usage: "",
  operands: { min: 0, max: 0 },
  options: {},
  async run(context, { table }) {
    context.stdout.write(await bashScript(table));
  },
});
