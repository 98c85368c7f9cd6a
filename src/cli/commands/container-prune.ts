// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { parseFilters } from "../filters.ts";
import { humanSize } from "../format/human.ts";
import { openEngine } from "../open-engine.ts";
import { forceOption, pruneFilter } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Remove all stopped containers",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: { filter: pruneFilter("containers"), force: forceOption },
  async run(context, { options, globals }) {
    const warning = "WARNING! This will remove all stopped containers.";
    if (!options.force && !confirm(context, warning)) return;
    await using engine = await openEngine(context, globals);
    const { containersDeleted, spaceReclaimed } = await context.useCases.pruneContainers(
      engine,
      parseFilters(options.filter),
    );
    const { stdout } = context;
    if (containersDeleted.length > 0) {
      stdout.write(`Deleted Containers:\n${containersDeleted.join("\n")}\n\n`);
    }
    stdout.write(`Total reclaimed space: ${humanSize(spaceReclaimed)}\n`);
  },
});
