// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { errorText } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { printable } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";
import { platformsOption } from "../option-specs.ts";

export const command = defineCommand({
  summary: "Remove one or more images",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "image" },
  options: {
    force: { type: "bool", short: "f", summary: "Force removal of the image" },
    "no-prune": { type: "bool", summary: "Do not delete untagged parents" },
    platform: platformsOption("Remove"),
  },
  async run(context, { options, operands, globals }) {
    await using engine = await openEngine(context, globals);
    const errors: Error[] = [];
    for (const name of operands) {
      try {
        const removed = await context.useCases.removeImage(engine, {
          name,
          force: options.force,
          noPrune: options["no-prune"],
          platforms: options.platform,
        });
        for (const item of removed) {
          context.stdout.write(
            item.type === "deleted"
              ? `Deleted: ${item.id}\n`
              : `Untagged: ${printable(item.reference)}\n`,
          );
        }
      } catch (error) {
        if (!isLadeError(error)) throw error;
        errors.push(error);
      }
    }
    if (errors.length === 0) return;
    const text = errors.map(errorText).join("\n");
    // `rmi -f` of an image that is not there has nothing to do, which is no failure.
    const isHarmless = errors.every((error) => isLadeError(error, "IMAGE_NOT_FOUND"));
    if (!options.force || !isHarmless) throw new ExitStatus(text, undefined, errors[0]);
    context.stderr.write(`${text}\n`);
  },
});
