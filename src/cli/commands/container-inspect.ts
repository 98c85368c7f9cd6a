// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { containerTemplate } from "../format/document-format.ts";
import { inspectDocuments } from "../inspect-documents.ts";
import { openEngine } from "../open-engine.ts";
import { documentFormat } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Display detailed information on one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "container" },
  options: {
    format: { ...documentFormat, short: "f" },
    size: { type: "bool", short: "s", summary: "Display total file sizes" },
  },
  async run(context, { options, operands, globals }) {
    const template = await containerTemplate(options.format);
    await using engine = await openEngine(context, globals);
    await inspectDocuments(context, {
      names: operands,
      format: options.format,
      template,
      lookUp: (name) => context.useCases.inspectContainer(engine, name, { size: options.size }),
    });
  },
});
