// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { volumeTemplate } from "../format/document-format.ts";
import { inspectDocuments } from "../inspect-documents.ts";
import { openEngine } from "../open-engine.ts";
import { documentFormat } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Display detailed information on one or more volumes",
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "volume" },
  options: {
    format: { ...documentFormat, short: "f" },
  },
  async run(context, { options, operands, globals }) {
    const template = await volumeTemplate(options.format);
    await using engine = await openEngine(context, globals);
    await inspectDocuments(context, {
      names: operands,
      format: options.format,
      template,
      lookUp: (name) => context.useCases.inspectVolume(engine, name),
    });
  },
});
