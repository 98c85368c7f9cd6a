// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { forEachName } from "../each-name.ts";
import { openEngine } from "../open-engine.ts";
import { signalOption } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Kill one or more running containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "running" },
  options: { signal: signalOption },
  async run(context, { options, operands, globals }) {
    const signal = options.signal === "" ? undefined : options.signal;
    await using engine = await openEngine(context, globals);
    await forEachName(context, operands, (name) =>
      context.useCases.killContainer(engine, name, signal),
    );
  },
});
