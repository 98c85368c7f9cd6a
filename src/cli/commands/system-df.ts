// SPDX-License-Identifier: Apache-2.0

import type { DiskUsage } from "../../engine/types.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { humanSize } from "../format/human.ts";
import { imageView } from "../format/image-view.ts";
import { checkListFormat, writeList } from "../format/list.ts";
import type { ListView } from "../format/list-view.ts";
import { usageImageRows } from "../format/usage-rows.ts";
import { openEngine } from "../open-engine.ts";
import { listFormat } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Show disk usage",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: {
    format: listFormat,
    verbose: { type: "bool", short: "v", summary: "Show detailed information on space usage" },
  },
  async run(context, { options: { format, verbose }, globals }) {
    await checkListFormat(format);
    await using engine = await openEngine(context, globals);
    const usage = await context.useCases.diskUsage(engine);
    if (!verbose) {
      await writeList(context.stdout, usageRows(usage), { view: usageView, format });
    } else if (format === "" || format === "table") {
      await writeSections(context, usage);
    } else {
      const { writeUsageDocument } = await import("../usage-document.ts");
      await writeUsageDocument(context, { usage, format });
    }
  },
});

interface UsageRow {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  /** Bytes. */
  readonly size: number;
  readonly reclaimable: number;
}

/** Docker's four rows; lade builds nothing, so the last one is always empty. */
function usageRows({
  images,
  layersSize,
  reclaimable,
  containers,
  volumes,
}: DiskUsage): UsageRow[] {
  return [
    {
      type: "Images",
      total: images.length,
      active: images.filter((image) => image.containers > 0).length,
      size: layersSize,
      reclaimable,
    },
    usageRow(
      "Containers",
      containers.map(({ State: state, SizeRw: size = 0 }) => ({
        size,
        isActive: ["running", "paused", "restarting"].includes(state),
      })),
    ),
    usageRow(
      "Local Volumes",
      volumes.map(({ UsageData: usage }) => ({
        size: usage?.Size ?? 0,
        isActive: (usage?.RefCount ?? 0) > 0,
      })),
    ),
    usageRow("Build Cache", []),
  ];
}

function usageRow(
  type: string,
  things: readonly { readonly size: number; readonly isActive: boolean }[],
): UsageRow {
  const sizeOf = (some: typeof things) => some.reduce((sum, { size }) => sum + size, 0);
  return {
    type,
    total: things.length,
    active: things.filter(({ isActive }) => isActive).length,
    size: sizeOf(things),
    reclaimable: sizeOf(things.filter(({ isActive }) => !isActive)),
  };
}

const usageView: ListView<UsageRow> = {
  goType: "*formatter.diskUsageImagesContext",
  fields: {
    Type: ({ type }) => type,
    TotalCount: ({ total }) => String(total),
    Active: ({ active }) => String(active),
    Size: ({ size }) => humanSize(size),
    Reclaimable: ({ size, reclaimable }) =>
      size > 0
        ? `${humanSize(reclaimable)} (${Math.trunc((reclaimable * 100) / size)}%)`
        : humanSize(reclaimable),
  },
  headers: {
    Type: "TYPE",
    TotalCount: "TOTAL",
    Active: "ACTIVE",
    Size: "SIZE",
    Reclaimable: "RECLAIMABLE",
  },
  columns: ["Type", "TotalCount", "Active", "Size", "Reclaimable"],
};

async function writeSections(context: Context, usage: DiskUsage): Promise<void> {
  const { stdout } = context;
  const options = { isTruncated: true, hasDigests: false, nowMs: context.now() };
  const view = {
    ...imageView(options),
    columns: [
      "Repository",
      "Tag",
      "ID",
      "CreatedSince",
      "Size",
      "SharedSize",
      "UniqueSize",
      "Containers",
    ],
    placeholders: {},
  };
  stdout.write("Images space usage:\n\n");
  await writeList(stdout, usageImageRows(usage), { view, format: "" });
  for (const [title, columns] of emptySections) {
    stdout.write(`\n${title}\n\n`);
    const empty = { goType: "", fields: {}, headers: {}, columns };
    await writeList(stdout, [], { view: empty, format: "" });
  }
}

const emptySections = [
  [
    "Containers space usage:",
    ["CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES"],
  ],
  ["Local Volumes space usage:", ["VOLUME NAME", "LINKS", "SIZE"]],
  [
    "Build cache usage: 0B",
    ["CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED"],
  ],
] as const;
