// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { networkTemplate } from "../format/document-format.ts";
import { inspectDocuments } from "../inspect-documents.ts";
import { openEngine } from "../open-engine.ts";
import { documentFormat } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Display detailed information on one or more networks",
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "network" },
  options: {
    format: { ...documentFormat, short: "f" },
    verbose: {
      type: "refused",
      short: "v",
      takesValue: false,
      harmless: ["false"],
      summary: "it tells of services of a swarm, which are not here",
    },
  },
  async run(context, { options, operands, globals }) {
    const template = await networkTemplate(options.format);
    await using engine = await openEngine(context, globals);
    await inspectDocuments(context, {
      names: operands,
      format: options.format,
      template,
      lookUp: (name) => context.useCases.inspectNetwork(engine, name),
    });
  },
});
