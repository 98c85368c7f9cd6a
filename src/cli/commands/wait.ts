// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { errorText } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Block until one or more containers stop, then print their exit codes",
  usage: "CONTAINER [CONTAINER...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "running" },
  options: {},
  async run(context, { operands, globals }) {
    await using engine = await openEngine(context, globals);
    const errors: Error[] = [];
    for (const name of operands) {
      try {
        const { exitCode } = await context.useCases.waitContainer(engine, name);
        context.stdout.write(`${exitCode}\n`);
      } catch (error) {
        if (!isLadeError(error)) throw error;
        errors.push(error);
      }
    }
    if (errors.length === 0) return;
    throw new ExitStatus(errors.map(errorText).join("\n"), undefined, errors[0]);
  },
});
