// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { imageTemplate } from "../format/document-format.ts";
import { inspectDocuments } from "../inspect-documents.ts";
import { openEngine } from "../open-engine.ts";
import { documentFormat, platformOption } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Display detailed information on one or more images",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "image" },
  options: {
    format: { ...documentFormat, short: "f" },
    platform: platformOption("Inspect the image"),
  },
  async run(context, { options, operands, globals }) {
    const template = await imageTemplate(options.format);
    await using engine = await openEngine(context, globals);
    const choice = options.platform === "" ? {} : { platform: options.platform };
    await inspectDocuments(context, {
      names: operands,
      format: options.format,
      template,
      lookUp: (name) => context.useCases.inspectImage(engine, name, choice),
    });
  },
});
