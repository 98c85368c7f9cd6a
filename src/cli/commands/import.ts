// SPDX-License-Identifier: Apache-2.0

import { type Command, defineCommand } from "../command.ts";
import { withBareErrors } from "../error-text.ts";
import { openEngine } from "../open-engine.ts";
import { changeOption, platformOption } from "../option-specs.ts";
import { transferLine } from "../progress/transfer-line.ts";
import { operandsError } from "../usage.ts";
import { writeWarnings } from "../warnings.ts";

export const command: Command = defineCommand({
  summary: "Import the contents from a tarball to create a filesystem image",
  description:
    "Make an image of one layer from the tar of a file system, such as `docker export` writes.\n" +
    "The tar may be compressed by gzip, bzip2, xz or zstd. `-` reads STDIN.",
  usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "file" },
  options: {
    change: changeOption,
    force: { type: "bool", summary: "Take an image archive as a file system all the same" },
    message: { type: "string", short: "m", summary: "Set commit message for imported image" },
    platform: platformOption("Make the image"),
  },
  async run(context, { options, operands, globals, path }) {
    // Docker asks for one at least, and drops what follows the second.
    if (operands.length > 2) throw operandsError(`lade ${path}`, command, { min: 0, max: 2 });
    const [source = "", reference] = operands;
    const platform = options.platform || context.env.DOCKER_DEFAULT_PLATFORM || undefined;
    const { id, warnings } = await withBareErrors(async () => {
      await using engine = await openEngine(context, globals);
      using line = transferLine(context.stderr, { verb: "Importing", now: context.now });
      return await context.useCases.importImage(engine, {
        source,
        reference,
        changes: options.change,
        message: options.message === "" ? undefined : options.message,
        platform,
        force: options.force,
        onProgress: line.onProgress,
        signal: context.signal,
      });
    });
    context.stdout.write(`${id}\n`);
    writeWarnings(context.stderr, warnings);
  },
});
