// SPDX-License-Identifier: Apache-2.0

import type { ContainerSummary, VolumeDocument } from "../../engine/container-types.ts";
import type { DiskUsage } from "../../engine/types.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { containerView } from "../format/container-view.ts";
import { humanSize } from "../format/human.ts";
import { imageView } from "../format/image-view.ts";
import { checkListFormat, writeList } from "../format/list.ts";
import type { ListView } from "../format/list-view.ts";
import { ownSize, usageImageRows } from "../format/usage-rows.ts";
import { volumeView } from "../format/volume-view.ts";
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

/** Docker's four rows; lade builds nothing that would leave a cache. */
function usageRows(usage: DiskUsage): UsageRow[] {
  return [
    {
      type: "Images",
      total: usage.images.length,
      active: usage.images.filter(({ containers }) => containers > 0).length,
      size: usage.layersSize,
      reclaimable: usage.reclaimable,
    },
    { type: "Containers", ...sumUp(usage.containers.map(containerUse)) },
    { type: "Local Volumes", ...sumUp(usage.volumes.map(volumeUse)) },
    { type: "Build Cache", ...sumUp([]) },
  ];
}

interface Use {
  readonly size: number;
  readonly isActive: boolean;
}

function containerUse({ State, SizeRw = 0 }: ContainerSummary): Use {
  return { size: SizeRw, isActive: ["running", "paused", "restarting"].includes(State) };
}

function volumeUse({ UsageData }: VolumeDocument): Use {
  const { RefCount = 0, Size = 0 } = UsageData ?? {};
  // What could not be measured is -1.
  return { size: Math.max(0, Size), isActive: RefCount > 0 };
}

function sumUp(uses: readonly Use[]): Omit<UsageRow, "type"> {
  const sizeOf = (some: readonly Use[]) => some.reduce((sum, { size }) => sum + size, 0);
  const idle = uses.filter(({ isActive }) => !isActive);
  return {
    total: uses.length,
    active: uses.length - idle.length,
    size: sizeOf(uses),
    reclaimable: sizeOf(idle),
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
  const { zoneAt } = context;
  const options = { isTruncated: true, hasDigests: false, nowMs: context.now(), zoneAt };
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
  stdout.write("\nContainers space usage:\n\n");
  await writeList(stdout, usage.containers.map(ownSize), {
    view: { ...containerView({ ...options, hasSize: true }), columns: containerColumns },
    format: "",
  });
  stdout.write("\nLocal Volumes space usage:\n\n");
  const volumeColumns = ["Name", "Links", "Size"];
  await writeList(stdout, usage.volumes, {
    view: { ...volumeView, columns: volumeColumns },
    format: "",
  });
  stdout.write("\nBuild cache usage: 0B\n\n");
  const cache = { goType: "", fields: {}, headers: {}, columns: cacheColumns };
  await writeList(stdout, [], { view: cache, format: "" });
}

const containerColumns = [
  "ID",
  "Image",
  "Command",
  "LocalVolumes",
  "Size",
  "RunningFor",
  "Status",
  "Names",
];

const cacheColumns = ["CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED"];
