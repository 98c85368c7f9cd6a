// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { copyFromContainer, copyToContainer } from "../copy/copy-files.ts";
import { splitCopyArgument } from "../copy/copy-paths.ts";
import { ExitStatus } from "../exit-status.ts";
import { humanSize } from "../format/human.ts";
import { printable } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";
import { transferLine } from "../progress/transfer-line.ts";

export const command = defineCommand({
  summary: "Copy files/folders between a container and the local filesystem",
  description:
    "Copy files/folders between a container and the local filesystem\n\n" +
    "Use '-' as the source to read a tar archive from stdin\n" +
    "and extract it to a directory destination in a container.\n" +
    "Use '-' as the destination to stream a tar archive of a\n" +
    "container source to stdout.",
  usage:
    "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tlade cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  operands: { min: 2, max: 2, completion: "file" },
  options: {
    archive: {
      type: "bool",
      short: "a",
      summary: "Archive mode (copy all uid/gid information)",
    },
    "follow-link": {
      type: "bool",
      short: "L",
      summary: "Always follow symbol link in SRC_PATH",
    },
    quiet: {
      type: "bool",
      short: "q",
      summary:
        "Suppress progress output during copy. " +
        "Progress output is automatically suppressed if no terminal is attached",
    },
  },
  async run(context, { options, operands: [from = "", to = ""], globals, isGiven }) {
    if (from === "") throw new ExitStatus("source can not be empty");
    if (to === "") throw new ExitStatus("destination can not be empty");
    const source = splitCopyArgument(from);
    const destination = splitCopyArgument(to);
    if (source.container !== "" && destination.container !== "") {
      throw new ExitStatus("copying between containers is not supported");
    }
    if (source.container === "" && destination.container === "") {
      throw new ExitStatus("must specify at least one container source");
    }
    const isQuiet = isGiven("quiet") ? options.quiet : !context.stdout.isTerminal;
    await using engine = await openEngine(context, globals);
    using line = transferLine(context.stderr, { verb: "Copying", now: context.now });
    let size = 0;
    const copy = {
      container: source.container || destination.container,
      source: source.path,
      destination: destination.path,
      followsLink: options["follow-link"],
      keepsOwner: options.archive,
      onBytes(count: number) {
        size += count;
        if (!isQuiet) line.onProgress?.({ type: "total", current: size, total: undefined });
      },
    };
    const run = source.container === "" ? copyToContainer : copyFromContainer;
    const place = await run(context, engine, copy);
    line[Symbol.dispose]();
    if (isQuiet || place === "-") return;
    context.stderr.write(`Successfully copied ${humanSize(size, 3)} to ${printable(place)}\n`);
  },
});
