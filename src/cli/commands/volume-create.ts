// SPDX-License-Identifier: Apache-2.0

import { defineCommand } from "../command.ts";
import { parseLabel, toMap } from "../container-flags/key-values.ts";
import { ExitStatus } from "../exit-status.ts";
import { openEngine } from "../open-engine.ts";
import { listOption } from "../value-options.ts";

const clusterOnly = {
  type: "refused",
  takesValue: true,
  summary: "it is for volumes of a cluster only",
} as const;

export const command = defineCommand({
  summary: "Create a volume",
  usage: "[OPTIONS] [VOLUME]",
  operands: { min: 0, max: 1 },
  options: {
    driver: {
      type: "string",
      short: "d",
      default: "local",
      summary: "Specify volume driver name",
      completion: ["local"],
    },
    label: listOption({ summary: "Set metadata for a volume", parse: parseLabel }),
    name: { type: "string", isHidden: true, summary: "Specify volume name" },
    opt: { type: "list", short: "o", summary: "Set driver specific options" },
    availability: clusterOnly,
    group: clusterOnly,
    "limit-bytes": clusterOnly,
    "required-bytes": clusterOnly,
    scope: clusterOnly,
    secret: clusterOnly,
    sharing: clusterOnly,
    "topology-preferred": clusterOnly,
    "topology-required": clusterOnly,
    type: clusterOnly,
  },
  async run(context, { options, operands: [operand], globals }) {
    if (operand !== undefined && options.name !== "") {
      throw new ExitStatus(
        "conflicting options: cannot specify a volume-name through both --name and as a positional arg",
      );
    }
    const name = operand ?? options.name;
    await using engine = await openEngine(context, globals);
    const volume = await context.useCases.createVolume(engine, {
      name: name === "" ? undefined : name,
      driver: options.driver,
      options: toMap(options.opt),
      labels: toMap(options.label),
    });
    context.stdout.write(`${volume.Name}\n`);
  },
});
