// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import type { OutputStream } from "../context.ts";
import { parseFilters } from "../filters.ts";
import { imageRows, imageView } from "../format/image-view.ts";
import { checkListFormat, writeList } from "../format/list.ts";
import { openEngine } from "../open-engine.ts";
import { listFormat, noTrunc } from "../option-specs.ts";

export const command = defineCommand({
  summary: "List images",
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  operands: { min: 0, max: 1, completion: "image" },
  options: {
    all: {
      type: "bool",
      short: "a",
      summary: "Show all images (default hides intermediate images)",
    },
    digests: { type: "bool", summary: "Show digests" },
    filter: {
      type: "filter",
      short: "f",
      summary: "Show only images that match: dangling, label, before, since, reference",
      completion: ["before=", "dangling=true", "dangling=false", "label=", "reference=", "since="],
    },
    format: listFormat,
    "no-trunc": noTrunc,
    quiet: { type: "bool", short: "q", summary: "Only show image IDs" },
  },
  async run(context, { options, operands: [pattern], globals, path }) {
    await checkListFormat(options.format);
    await using engine = await openEngine(context, globals);
    const images = await context.useCases.listImages(engine, {
      all: options.all,
      filters: parseFilters(options.filter),
      pattern,
    });
    const format = withDigest(options.format, options.digests);
    const hasDigests = options.digests || format.includes("{{.Digest}}");
    const view = imageView({
      isTruncated: !options["no-trunc"],
      hasDigests: options.digests,
      nowMs: context.now(),
      zoneAt: context.zoneAt,
    });
    const rows = images.flatMap((image) => imageRows(image, { hasDigests }));
    await writeList(context.stdout, rows, { view, format, isQuiet: options.quiet });
    if (images.length === 0 && path === "images") hintAtSubcommand(context.stderr, pattern);
  },
});

function withDigest(format: string, isWanted: boolean): string {
  const isTemplate = format.startsWith("table") && format !== "table";
  return isWanted && isTemplate && !format.includes("{{.Digest}}")
    ? `${format}\t{{.Digest}}`
    : format;
}

const subcommands = new Set(
  "build history import inspect list load ls prune pull push rm save tag".split(" "),
);

/** `lade images ls` looks for an image of that name, which is seldom what was meant. */
function hintAtSubcommand(output: OutputStream, pattern: string | undefined): void {
  if (pattern === undefined || !subcommands.has(pattern)) return;
  output.write(`No images found matching "${pattern}": did you mean "lade image ${pattern}"?\n`);
}
