// SPDX-License-Identifier: Apache-2.0

import type { Engine } from "../../engine/engine.ts";
import type { Filter } from "../../engine/types.ts";
import { defineCommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import type { Context } from "../context.ts";
import { ExitStatus } from "../exit-status.ts";
import { parseFilters } from "../filters.ts";
import { humanSize } from "../format/human.ts";
import { compareNaturally } from "../format/natural-order.ts";
import { printable } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";
import { forceOption, pruneFilter } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Remove unused data",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: {
    all: { type: "bool", short: "a", summary: "Remove all unused images not just dangling ones" },
    filter: pruneFilter("objects"),
    force: forceOption,
    volumes: { type: "bool", summary: "Prune anonymous volumes" },
  },
  async run(context, { options: { all, volumes, force, filter }, globals }) {
    const filters = parseFilters(filter);
    if (volumes && filters.some(({ key }) => key === "until")) {
      throw new ExitStatus('ERROR: The "until" filter is not supported with "--volumes"');
    }
    const scope = { all, volumes, filters };
    if (!force && !confirm(context, warning(scope))) return;
    await using engine = await openEngine(context, globals);
    await prune(context, engine, scope);
  },
});

interface Scope {
  readonly all: boolean;
  readonly volumes: boolean;
  readonly filters: readonly Filter[];
}

function warning({ all, volumes, filters }: Scope): string {
  const what = ["all stopped containers", "all networks not used by at least one container"];
  if (volumes) what.push("all anonymous volumes not used by at least one container");
  what.push(
    all ? "all images without at least one container associated to them" : "all dangling images",
  );
  const lines = ["WARNING! This will remove:", ...what.map((text) => `  - ${text}`), ""];
  if (filters.length > 0) {
    const texts = filters.map(({ key, value }) => `${key}=${value}`).sort(compareNaturally);
    lines.push("  Items to be pruned will be filtered with:");
    lines.push(...texts.map((text) => `  - ${text}`), "");
  }
  return lines.join("\n");
}

async function prune(context: Context, engine: Engine, scope: Scope): Promise<void> {
  const { useCases, stdout } = context;
  const { filters } = scope;
  const tell = (title: string, names: readonly string[]) => {
    if (names.length > 0) stdout.write(`${title}:\n${names.map(printable).join("\n")}\n\n`);
  };
  const containers = await useCases.pruneContainers(engine, filters);
  tell("Deleted Containers", containers.containersDeleted);
  tell("Deleted Networks", (await useCases.pruneNetworks(engine, filters)).networksDeleted);
  let reclaimed = containers.spaceReclaimed;
  if (scope.volumes) {
    const volumes = await useCases.pruneVolumes(engine, filters);
    tell("Deleted Volumes", volumes.volumesDeleted);
    reclaimed += volumes.spaceReclaimed;
  }
  const images = await useCases.pruneImages(engine, { all: scope.all, filters });
  tell(
    "Deleted Images",
    images.removed.map((item) =>
      item.type === "deleted" ? `deleted: ${item.id}` : `untagged: ${item.reference}`,
    ),
  );
  stdout.write(`Total reclaimed space: ${humanSize(reclaimed + images.spaceReclaimed)}\n`);
}
