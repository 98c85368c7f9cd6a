// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import { parseReference } from "../../spec/reference.ts";
import { defineCommand } from "../command.ts";
import { bareErrorText } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  operands: { min: 2, max: 2, completion: "image" },
  options: {},
  isInterspersed: false,
  async run(context, { operands: [source = "", target = ""], globals }) {
    await using engine = await openEngine(context, globals);
    try {
      await context.useCases.tagImage(engine, source, target);
    } catch (error) {
      if (!isLadeError(error, "REFERENCE_INVALID")) throw error;
      const name = isReference(target) ? source : target;
      const text = `error parsing reference: ${JSON.stringify(name)} is not a valid repository/tag`;
      throw new ExitStatus(`${text}: ${bareErrorText(error)}`, undefined, error);
    }
  },
});

function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch (error) {
    if (!isLadeError(error)) throw error;
    return false;
  }
}
