// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { forEachName } from "../each-name.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Remove one or more volumes",
  description:
    "Remove one or more volumes. You cannot remove a volume that is in use by a container.",
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "volume" },
  options: {
    force: { type: "bool", short: "f", summary: "Force the removal of one or more volumes" },
  },
  async run(context, { options: { force }, operands, globals }) {
    await using engine = await openEngine(context, globals);
    await forEachName(
      context,
      operands,
      (name) => context.useCases.removeVolume(engine, name, { force }),
      { isSequential: true },
    );
  },
});
