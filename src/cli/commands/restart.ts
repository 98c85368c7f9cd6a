// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { forEachName } from "../each-name.ts";
import { openEngine } from "../open-engine.ts";
import { readStopOptions, stopOptions } from "../stop-options.ts";

export const command = defineCommand({
  summary: "Restart one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "container" },
  options: stopOptions,
  async run(context, { options, operands, globals, isGiven }) {
    const stop = readStopOptions(options, isGiven);
    await using engine = await openEngine(context, globals);
    await forEachName(
      context,
      operands,
      (name) => context.useCases.restartContainer(engine, name, stop),
      { isSequential: true },
    );
  },
});
