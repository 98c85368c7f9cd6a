// SPDX-License-Identifier: Apache-2.0

import type { EventsOptions } from "../../engine/events.ts";
import { parseTimestamp } from "../../engine/timestamp.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { withBareErrors } from "../error-text.ts";
import { parseFilters } from "../filters.ts";
import type { EventFormatter } from "../format/event-view.ts";
import { printableText } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";
import { documentFormat } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Get real time events from the store",
  usage: "[OPTIONS]",
  description:
    "Print what happens to images, containers, volumes and networks, whichever command does it.\n" +
    "With --since also what happened before: the last thousand events are kept.",
  operands: { min: 0, max: 0 },
  options: {
    filter: {
      type: "filter",
      short: "f",
      summary:
        "Show only events that match: container, event, image, label, network, scope, type, volume",
      completion: [
        "container=",
        "event=",
        "image=",
        "label=",
        "network=",
        "scope=",
        "type=",
        "volume=",
      ],
    },
    format: documentFormat,
    since: { type: "string", summary: "Show all events created since timestamp" },
    until: { type: "string", summary: "Stream events until this timestamp" },
  },
  async run(context, { options, globals }) {
    const { stdout, signal, useCases } = context;
    const format = await formatterOf(context, options.format);
    const nowMs = context.now();
    const wanted: EventsOptions = await withBareErrors(async () => ({
      sinceNs: readTime(options.since, nowMs),
      untilNs: readTime(options.until, nowMs),
      filters: parseFilters(options.filter),
      signal,
    }));
    await using engine = await openEngine(context, globals);
    for await (const event of useCases.watchEvents(engine, wanted)) {
      const text = format(event);
      const shown = stdout.isTerminal ? printableText(text) : text;
      await stdout.writeBytes(Buffer.from(`${shown}\n`));
    }
  },
});

async function formatterOf(context: Context, format: string): Promise<EventFormatter> {
  const views = await import("../format/event-view.ts");
  return format === "" ? views.plainFormatter(context.zoneAt) : views.templateFormatter(format);
}

function readTime(text: string, nowMs: number): bigint | undefined {
  return text === "" ? undefined : parseTimestamp(text, nowMs);
}
