// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { bareErrorText } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { openEngine } from "../open-engine.ts";
import { platformsOption } from "../option-specs.ts";
import { transferLine } from "../progress/transfer-line.ts";

export const command = defineCommand({
  summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  description:
    "Save images to one tar archive that is a Docker archive and an OCI layout at once.\n" +
    "An image that is given by name and tag keeps that name; a name alone saves all its tags;\n" +
    "an ID or a digest saves the image without a name, unless --with-tags is given.",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "image" },
  options: {
    output: {
      type: "string",
      short: "o",
      summary: "Write to a file, instead of STDOUT",
      completion: "file",
    },
    platform: platformsOption("Save"),
    "with-tags": { type: "bool", summary: "Keep the names of images that are given by ID" },
  },
  async run(context, { options, operands, globals }) {
    const path = options.output === "" ? undefined : options.output;
    if (path === undefined && context.stdout.isTerminal) {
      throw new ExitStatus("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    }
    await using engine = await openEngine(context, globals);
    using line = transferLine(context.stderr, { verb: "Saving", now: context.now });
    const saved = context.useCases.saveImages(engine, {
      names: operands,
      path,
      platforms: options.platform,
      withTags: options["with-tags"],
      onProgress: line.onProgress,
      signal: context.signal,
    });
    await saved.catch((error: unknown) => {
      if (!isLadeError(error, "OUTPUT_INVALID")) throw error;
      throw new ExitStatus(`failed to save image: ${bareErrorText(error)}`, undefined, error);
    });
  },
});
