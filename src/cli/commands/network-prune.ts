// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { parseFilters } from "../filters.ts";
import { printable } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";
import { forceOption, pruneFilter } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Remove all unused networks",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: { filter: pruneFilter("networks"), force: forceOption },
  async run(context, { options, globals }) {
    const warning =
      "WARNING! This will remove all custom networks not used by at least one container.";
    if (!options.force && !confirm(context, warning)) return;
    await using engine = await openEngine(context, globals);
    const { networksDeleted } = await context.useCases.pruneNetworks(
      engine,
      parseFilters(options.filter),
    );
    if (networksDeleted.length === 0) return;
    const names = networksDeleted.map(printable).join("\n");
    context.stdout.write(`Deleted Networks:\n${names}\n\n`);
  },
});
