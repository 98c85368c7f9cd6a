// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { parseFilters } from "../filters.ts";
import { checkListFormat, writeList } from "../format/list.ts";
import { compareNaturally } from "../format/natural-order.ts";
import { volumeView } from "../format/volume-view.ts";
import { openEngine } from "../open-engine.ts";
import { listFormat } from "../option-specs.ts";

export const command = defineCommand({
  summary: "List volumes",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: {
    cluster: {
      type: "refused",
      takesValue: false,
      harmless: ["false"],
      summary: "volumes belong to this machine here",
    },
    filter: {
      type: "filter",
      short: "f",
      summary: "Show only volumes that match: dangling, driver, label, name",
      completion: ["dangling=true", "dangling=false", "driver=", "label=", "name="],
    },
    format: listFormat,
    quiet: { type: "bool", short: "q", summary: "Only display volume names" },
  },
  async run(context, { options: { format, filter, quiet }, globals }) {
    await checkListFormat(format);
    await using engine = await openEngine(context, globals);
    const volumes = await context.useCases.listVolumes(engine, parseFilters(filter));
    const sorted = volumes.toSorted((left, right) => compareNaturally(left.Name, right.Name));
    await writeList(context.stdout, sorted, { view: volumeView, format, isQuiet: quiet });
  },
});
