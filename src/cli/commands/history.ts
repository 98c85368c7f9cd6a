// SPDX-License-Identifier: Apache-2.0

import type { HistoryItem } from "../../engine/types.ts";
import { defineCommand } from "../command.ts";
import { humanSize, parseTime, rfc3339, shortId, timeAgo, type ZoneAt } from "../format/human.ts";
import { checkListFormat, writeList } from "../format/list.ts";
import type { ListView } from "../format/list-view.ts";
import { ellipsis } from "../format/width.ts";
import { openEngine } from "../open-engine.ts";
import { listFormat, noTrunc, platformOption } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Show the history of an image",
  usage: "[OPTIONS] IMAGE",
  operands: { min: 1, max: 1, completion: "image" },
  options: {
    format: listFormat,
    human: {
      type: "bool",
      short: "H",
      default: true,
      summary: "Print sizes and dates in human readable format",
    },
    "no-trunc": noTrunc,
    platform: platformOption("Show history"),
    quiet: { type: "bool", short: "q", summary: "Only show image IDs" },
  },
  async run(context, { options, operands: [name = ""], globals }) {
    await checkListFormat(options.format);
    await using engine = await openEngine(context, globals);
    const { platform } = options;
    const items = await context.useCases.imageHistory(
      engine,
      name,
      platform === "" ? {} : { platform },
    );
    const view = historyView({
      isTruncated: !options["no-trunc"],
      isHuman: options.human,
      nowMs: context.now(),
      zoneAt: context.zoneAt,
    });
    await writeList(context.stdout, items, {
      view,
      format: options.format,
      isQuiet: options.quiet,
    });
  },
});

interface HistoryViewOptions {
  readonly isTruncated: boolean;
  readonly isHuman: boolean;
  readonly nowMs: number;
  readonly zoneAt: ZoneAt;
}

/** Builders that give the same bytes at any time set dates long gone; no age is shown for those. */
const firstAgedMs = Date.UTC(2000);

const createdByWidth = 45;

function historyView({
  isTruncated,
  isHuman,
  nowMs,
  zoneAt,
}: HistoryViewOptions): ListView<HistoryItem> {
  const createdAt = (item: HistoryItem) => rfc3339(parseTime(item.created), zoneAt);
  const createdSince = (item: HistoryItem) => {
    const createdMs = parseTime(item.created);
    return createdMs === undefined || createdMs <= firstAgedMs ? "N/A" : timeAgo(createdMs, nowMs);
  };
  return {
    goType: "*image.historyContext",
    fields: {
      ID: ({ id }) => (isTruncated ? shortId(id) : id),
      CreatedSince: isHuman ? createdSince : createdAt,
      CreatedAt: createdAt,
      CreatedBy: ({ createdBy }) => {
        const text = createdBy.replaceAll("\t", " ");
        return isTruncated ? ellipsis(text, createdByWidth) : text;
      },
      Size: ({ size }) => (isHuman ? humanSize(size, 3) : String(size)),
      Comment: ({ comment }) => comment,
    },
    headers: {
      ID: "IMAGE",
      CreatedSince: "CREATED",
      CreatedAt: "CREATED AT",
      CreatedBy: "CREATED BY",
      Size: "SIZE",
      Comment: "COMMENT",
    },
    columns: ["ID", isHuman ? "CreatedSince" : "CreatedAt", "CreatedBy", "Size", "Comment"],
  };
}
