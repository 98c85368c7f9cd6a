// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { zshScript } from "../completion/zsh.ts";

export const command = defineCommand({
  summary: "Write the completion script of zsh",
  description:
    "Write the completion script of zsh.\n\n" +
    "For this session:\n\n" +
    "  source <(lade completion zsh)\n\n" +
    "For every session, once:\n\n" +
    '  lade completion zsh > "$fpath[1]/_lade"',
  usage: "",
  operands: { min: 0, max: 0 },
  options: {},
  async run(context, { table }) {
    context.stdout.write(await zshScript(table));
  },
});
