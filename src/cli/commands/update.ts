// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import type { OptionValues } from "../command.ts";
import { defineCommand } from "../command.ts";
import { parseRestartPolicy } from "../container-flags/modes.ts";
import { resourceOptions } from "../container-flags/options.ts";
import { updatableResources } from "../container-flags/resources.ts";
import { errorText } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { printable } from "../format/printable.ts";
import { InvalidValue } from "../invalid-value.ts";
import { openEngine } from "../open-engine.ts";

const options = {
  ...resourceOptions,
  restart: {
    type: "string",
    summary: "Restart policy to apply when a container exits",
    completion: ["always", "no", "on-failure", "unless-stopped"],
  },
} as const;

export const command = defineCommand({
  summary: "Update configuration of one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "container" },
  options,
  async run(context, { options: values, operands, globals, isGiven }) {
    const names = Object.keys(options) as (keyof typeof options)[];
    if (!names.some((name) => isGiven(name))) {
      throw new ExitStatus("you must provide one or more flags when using this command");
    }
    const changes = readChanges(values);
    await using engine = await openEngine(context, globals);
    const warnings: string[] = [];
    const errors: Error[] = [];
    for (const name of operands) {
      try {
        const result = await context.useCases.updateContainer(engine, name, changes);
        warnings.push(...result.warnings);
        context.stdout.write(`${printable(name)}\n`);
      } catch (error) {
        if (!isLadeError(error)) throw error;
        errors.push(error);
      }
    }
    for (const warning of warnings) context.stdout.write(`${printable(warning)}\n`);
    if (errors.length === 0) return;
    throw new ExitStatus(errors.map(errorText).join("\n"), undefined, errors[0]);
  },
});

/** What was asked for; a zero asks for nothing, as in Docker. */
function readChanges(values: OptionValues<typeof options>) {
  const given = Object.entries(updatableResources(values)).filter(([, value]) => Boolean(value));
  try {
    const restart = values.restart === "" ? undefined : parseRestartPolicy(values.restart);
    return {
      ...Object.fromEntries(given),
      ...(restart === undefined ? {} : { RestartPolicy: restart }),
    };
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new ExitStatus(error.message, undefined, error);
  }
}
