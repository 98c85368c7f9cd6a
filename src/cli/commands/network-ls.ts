// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { parseFilters } from "../filters.ts";
import { checkListFormat, writeList } from "../format/list.ts";
import { compareNaturally } from "../format/natural-order.ts";
import { networkView } from "../format/network-view.ts";
import { openEngine } from "../open-engine.ts";
import { listFormat, noTrunc } from "../option-specs.ts";

export const command = defineCommand({
  summary: "List networks",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: {
    filter: {
      type: "filter",
      short: "f",
      summary: "Show only networks that match: dangling, driver, id, label, name, scope, type",
      completion: [
        "dangling=true",
        "dangling=false",
        "driver=",
        "id=",
        "label=",
        "name=",
        "scope=local",
        "type=builtin",
        "type=custom",
      ],
    },
    format: listFormat,
    "no-trunc": noTrunc,
    quiet: { type: "bool", short: "q", summary: "Only display network IDs" },
  },
  async run(context, { options, globals }) {
    const { format, filter, quiet } = options;
    await checkListFormat(format);
    await using engine = await openEngine(context, globals);
    const networks = await context.useCases.listNetworks(engine, parseFilters(filter));
    const sorted = networks.toSorted((left, right) => compareNaturally(left.Name, right.Name));
    const view = networkView(!options["no-trunc"]);
    await writeList(context.stdout, sorted, { view, format, isQuiet: quiet });
  },
});
