// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { ExitStatus } from "../exit-status.ts";
import { openEngine } from "../open-engine.ts";
import { changeOption } from "../option-specs.ts";
import { transferLine } from "../progress/transfer-line.ts";

export const command = defineCommand({
  summary: "Create a new image from a container's changes",
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  operands: { min: 1, max: 2, completion: "container" },
  options: {
    author: {
      type: "string",
      short: "a",
      summary: 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")',
    },
    change: changeOption,
    message: { type: "string", short: "m", summary: "Commit message" },
    "no-pause": { type: "bool", summary: "Disable pausing container during commit" },
    pause: {
      type: "bool",
      short: "p",
      default: true,
      summary: "Pause container during commit",
    },
    squash: {
      type: "bool",
      summary: "Make one layer of the image's layers and the container's changes",
    },
  },
  isInterspersed: false,
  async run(context, { options, operands: [container = "", reference], globals, isGiven }) {
    if (isGiven("pause") && isGiven("no-pause")) {
      throw new ExitStatus("conflicting options: --no-pause and --pause cannot be used together");
    }
    await using engine = await openEngine(context, globals);
    using line = transferLine(context.stderr, { verb: "Committing", now: context.now });
    const { id } = await context.useCases.commitContainer(engine, {
      container,
      reference: reference === "" ? undefined : reference,
      author: options.author === "" ? undefined : options.author,
      message: options.message === "" ? undefined : options.message,
      changes: options.change,
      pause: isGiven("no-pause") ? !options["no-pause"] : options.pause,
      squash: options.squash,
      onProgress: line.onProgress,
      signal: context.signal,
    });
    line[Symbol.dispose]();
    context.stdout.write(`${id}\n`);
  },
});
