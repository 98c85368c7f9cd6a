// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { openEngine } from "../open-engine.ts";
import { writeWarnings } from "../warnings.ts";

export const command = defineCommand({
  summary: "Create an image of the first layers of another, as that was at the time",
  description:
    "Create an image of the first layers of another image, with the configuration that its history\n" +
    "tells of that time. Without --to it is the image without its last layer.",
  usage: "[OPTIONS] IMAGE",
  operands: { min: 1, max: 1, completion: "image" },
  options: {
    tag: { type: "string", short: "t", summary: 'Name the image, as "name:tag"' },
    to: {
      type: "string",
      summary: "How many layers stay, or the digest of the layer that is to be the last",
    },
  },
  async run(context, { options, operands: [image = ""], globals }) {
    await using engine = await openEngine(context, globals);
    const { id, warnings } = await context.useCases.rollbackImage(engine, {
      image,
      to: options.to === "" ? undefined : options.to,
      reference: options.tag === "" ? undefined : options.tag,
    });
    writeWarnings(context.stderr, warnings);
    context.stdout.write(`${id}\n`);
  },
});
