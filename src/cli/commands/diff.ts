// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { ExitStatus } from "../exit-status.ts";
import { printable } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";

const letters = { added: "A", changed: "C", deleted: "D" } as const;

export const command = defineCommand({
  summary: "Inspect changes to files or directories on a container's filesystem",
  usage: "CONTAINER",
  operands: { min: 1, max: 1, completion: "container" },
  options: {},
  async run(context, { operands: [name = ""], globals }) {
    if (name === "") throw new ExitStatus("Container name cannot be empty");
    await using engine = await openEngine(context, globals);
    const changes = await context.useCases.diffContainer(engine, name);
    const clean = context.stdout.isTerminal ? printable : String;
    const lines = changes.map(({ kind, path }) => `${letters[kind]} ${clean(path)}\n`);
    context.stdout.write(lines.join(""));
  },
});
