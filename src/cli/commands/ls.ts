// SPDX-License-Identifier: Apache-2.0

import type { ArchiveListing, ListedImage } from "../../engine/types.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { withBareErrors } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { documentTemplate } from "../format/document-format.ts";
import { humanSize, parseTime, shortId, timeAgo } from "../format/human.ts";
import { toJson } from "../format/json.ts";
import { printable } from "../format/printable.ts";
import { listLayout, tabulate } from "../format/tabulate.ts";
import { documentFormat, noTrunc } from "../option-specs.ts";
import { transferLine } from "../progress/transfer-line.ts";

export const command = defineCommand({
  summary: "List what is in an archive, without loading it",
  description:
    "Show the format of an archive or folder, the images in it with their layers, and where the\n" +
    "archive comes from as far as that can be told; for the tar of a container's file system, its\n" +
    "top folders. `-` reads STDIN.",
  usage: "[OPTIONS] ARCHIVE",
  operands: { min: 1, max: 1, completion: "file" },
  options: {
    format: documentFormat,
    "no-trunc": noTrunc,
    quiet: { type: "bool", short: "q", summary: "Only show the names of images, else their IDs" },
  },
  async run(context, { options, operands: [archive = ""] }) {
    const { format } = options;
    const template = await documentTemplate(format);
    if (archive === "-" && context.stdin.isTerminal) {
      throw new ExitStatus("requested archive from stdin, but stdin is empty");
    }
    const listing = await withBareErrors(async () => {
      using line = transferLine(context.stderr, { verb: "Reading", now: context.now });
      return await context.useCases.listArchive(archive === "-" ? undefined : archive, {
        onProgress: line.onProgress,
      });
    });
    if (template !== undefined) {
      context.stdout.write(`${template.render(listingDocument(listing), context.stdout)}\n`);
    } else if (format === "json") {
      context.stdout.write(`${toJson(listingDocument(listing))}\n`);
    } else if (options.quiet) {
      for (const image of listing.images) {
        for (const name of namesOrId(image)) context.stdout.write(`${printable(name)}\n`);
      }
    } else {
      writeTables(context, listing, !options["no-trunc"]);
    }
  },
});

/** The listing with names in the style of Docker's documents. */
function listingDocument(listing: ArchiveListing) {
  return {
    Path: listing.path,
    Format: listing.format,
    Maker: listing.maker ?? "",
    Compression: listing.compression,
    Size: listing.size,
    Images: listing.images.map((image) => ({
      Id: image.id,
      RepoTags: image.names,
      Digest: image.manifestDigest ?? "",
      Platform: image.platform,
      Created: image.created,
      Layers: image.layers.map(({ digest, mediaType, size }) => ({
        Digest: digest,
        MediaType: mediaType,
        Size: size,
      })),
    })),
    Files: listing.topEntries,
  };
}

function namesOrId({ names, id }: ListedImage): readonly string[] {
  return names.length > 0 ? names : [id];
}

type Cells = readonly string[];

function table(rows: readonly Cells[]): string {
  const lines = rows.map((cells) => `${cells.map(printable).join("\t")}\n`);
  return tabulate(lines.join(""), listLayout);
}

function writeTables(
  { stdout, now }: Context,
  listing: ArchiveListing,
  isTruncated: boolean,
): void {
  const digest = (text: string) => (isTruncated ? shortId(text) : text);
  const facts: Cells[] = [
    ["FORMAT", "MADE BY", "COMPRESSION", "SIZE"],
    [listing.format, listing.maker ?? "unknown", listing.compression, humanSize(listing.size)],
  ];
  stdout.write(table(facts));
  if (listing.images.length > 0) {
    const images: Cells[] = [["IMAGE", "IMAGE ID", "PLATFORM", "CREATED", "LAYERS", "SIZE"]];
    const layers: Cells[] = [["IMAGE ID", "LAYER", "MEDIA TYPE", "SIZE"]];
    for (const image of listing.images) {
      images.push(...imageCells(image, { digest, nowMs: now() }));
      for (const layer of image.layers) {
        const { mediaType, size } = layer;
        layers.push([digest(image.id), digest(layer.digest), mediaType, humanSize(size)]);
      }
    }
    stdout.write(`\n${table(images)}`);
    if (layers.length > 1) stdout.write(`\n${table(layers)}`);
  }
  if (listing.topEntries.length > 0) {
    stdout.write(`\n${table([["FILES"], ...listing.topEntries.map((entry) => [entry])])}`);
  }
}

interface CellOptions {
  readonly digest: (text: string) => string;
  readonly nowMs: number;
}

/** A row for each name of an image. */
function imageCells(image: ListedImage, { digest, nowMs }: CellOptions): Cells[] {
  const createdMs = parseTime(image.created);
  const names = image.names.length > 0 ? image.names : ["<none>"];
  const size = image.layers.reduce((sum, layer) => sum + layer.size, 0);
  return names.map((name) => [
    name,
    digest(image.id),
    image.platform,
    createdMs === undefined ? "N/A" : timeAgo(createdMs, nowMs),
    String(image.layers.length),
    humanSize(size, 3),
  ]);
}
