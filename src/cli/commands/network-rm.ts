// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { errorText } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { printable } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Remove one or more networks",
  usage: "NETWORK [NETWORK...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "network" },
  options: {
    force: {
      type: "bool",
      short: "f",
      summary: "Do not error if the network does not exist",
    },
  },
  async run(context, { options: { force }, operands, globals }) {
    await using engine = await openEngine(context, globals);
    let hasFailed = false;
    for (const name of operands) {
      try {
        await context.useCases.removeNetwork(engine, name);
        context.stdout.write(`${printable(name)}\n`);
      } catch (error) {
        if (!isLadeError(error)) throw error;
        if (force && isLadeError(error, "NETWORK_NOT_FOUND")) continue;
        context.stderr.write(`${errorText(error)}\n`);
        hasFailed = true;
      }
    }
    if (hasFailed) throw new ExitStatus("exit status 1");
  },
});
