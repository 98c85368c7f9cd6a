// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { withBareErrors } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { printable } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";
import { platformsOption } from "../option-specs.ts";
import { layerBars } from "../progress/layer-bars.ts";
import { writeWarnings } from "../warnings.ts";

export const command = defineCommand({
  summary: "Load an image from a tar archive or STDIN",
  description:
    "Load images from an archive of `lade save` or `docker save`, an OCI archive, or a folder\n" +
    "with an OCI layout. Archives may be compressed by gzip, bzip2, xz or zstd.",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: {
    input: {
      type: "string",
      short: "i",
      summary: "Read from an archive or folder, instead of STDIN",
      completion: "file",
    },
    platform: platformsOption("Load"),
    quiet: { type: "bool", short: "q", summary: "Suppress the load output" },
  },
  async run(context, { options, globals }) {
    const { stdin, stdout } = context;
    const path = options.input === "" ? undefined : options.input;
    if (path === undefined && stdin.isTerminal) {
      throw new ExitStatus("requested load from stdin, but stdin is empty");
    }
    const bars = options.quiet || !stdout.isTerminal ? undefined : layerBars(stdout, context.now);
    const { images, warnings } = await withBareErrors(async () => {
      await using engine = await openEngine(context, globals);
      return await context.useCases.loadImages(engine, {
        path,
        platforms: options.platform,
        onProgress: bars?.onProgress,
        signal: context.signal,
      });
    });
    for (const image of images) {
      const { id, reference, replacedId } = image;
      if (reference === undefined) {
        stdout.write(`Loaded image ID: ${id}\n`);
        continue;
      }
      const name = printable(reference);
      if (replacedId !== undefined) {
        stdout.write(
          `The image ${name} already exists, ` +
            `renaming the old one with ID ${replacedId} to empty string\n`,
        );
      }
      stdout.write(`Loaded image: ${name}\n`);
    }
    writeWarnings(context.stderr, warnings);
  },
});
