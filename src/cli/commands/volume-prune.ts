// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { ExitStatus } from "../exit-status.ts";
import { parseFilters } from "../filters.ts";
import { humanSize } from "../format/human.ts";
import { openEngine } from "../open-engine.ts";
import { forceOption } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Remove unused local volumes",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: {
    all: {
      type: "bool",
      short: "a",
      summary: "Remove all unused volumes, not just anonymous ones",
    },
    filter: {
      type: "filter",
      summary: "Remove only volumes that match: all, label, label!",
      completion: ["all=true", "label=", "label!="],
    },
    force: forceOption,
  },
  async run(context, { options, globals }) {
    const given = parseFilters(options.filter);
    if (options.all && given.some(({ key }) => key === "all")) {
      throw new ExitStatus("conflicting options: cannot specify both --all and --filter all=1");
    }
    const which = options.all ? "all local volumes" : "anonymous local volumes";
    const warning = `WARNING! This will remove ${which} not used by at least one container.`;
    if (!options.force && !confirm(context, warning)) return;
    await using engine = await openEngine(context, globals);
    const filters = options.all ? [...given, { key: "all", value: "true" }] : given;
    const report = await context.useCases.pruneVolumes(engine, filters);
    const { stdout } = context;
    if (report.volumesDeleted.length > 0) {
      stdout.write(`Deleted Volumes:\n${report.volumesDeleted.join("\n")}\n\n`);
    }
    stdout.write(`Total reclaimed space: ${humanSize(report.spaceReclaimed)}\n`);
  },
});
