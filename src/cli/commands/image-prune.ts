// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { parseFilters } from "../filters.ts";
import { humanSize } from "../format/human.ts";
import { printable } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Remove unused images",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: {
    all: { type: "bool", short: "a", summary: "Remove all unused images, not just dangling ones" },
    compressed: {
      type: "bool",
      summary:
        "Remove only the compressed copies of layers. " +
        "Images stay, but lose the manifest digests that they came with",
    },
    filter: {
      type: "filter",
      summary: 'Remove only images that match: label, label!, until (such as "until=24h")',
      completion: ["label=", "label!=", "until="],
    },
    force: { type: "bool", short: "f", summary: "Do not prompt for confirmation" },
  },
  async run(context, { options, globals }) {
    const { all, compressed } = options;
    if (!options.force && !confirm(context, warning({ all, compressed }))) return;
    await using engine = await openEngine(context, globals);
    const report = await context.useCases.pruneImages(engine, {
      all,
      compressed,
      filters: parseFilters(options.filter),
    });
    if (report.removed.length > 0) {
      const lines = report.removed.map((item) =>
        item.type === "deleted" ? `deleted: ${item.id}` : `untagged: ${printable(item.reference)}`,
      );
      context.stdout.write(`Deleted Images:\n${lines.join("\n")}\n\n`);
    }
    context.stdout.write(`Total reclaimed space: ${humanSize(report.spaceReclaimed)}\n`);
  },
});

interface PruneScope {
  readonly all: boolean;
  readonly compressed: boolean;
}

function warning({ all, compressed }: PruneScope): string {
  if (compressed) return "WARNING! This will remove the compressed copies of all layers.";
  return all
    ? "WARNING! This will remove all images without at least one container associated to them."
    : "WARNING! This will remove all dangling images.";
}
