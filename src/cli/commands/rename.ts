// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import { trimSpace } from "../../spec/go-space.ts";
import { defineCommand } from "../command.ts";
import { errorText } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { printable } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Rename a container",
  usage: "CONTAINER NEW_NAME",
  operands: { min: 2, max: 2, completion: "container" },
  options: {},
  async run(context, { operands: [first = "", second = ""], globals }) {
    const oldName = trimSpace(first);
    const newName = trimSpace(second);
    if (oldName === "" || newName === "") {
      throw new ExitStatus("Error: Neither old nor new names may be empty");
    }
    await using engine = await openEngine(context, globals);
    try {
      await context.useCases.renameContainer(engine, oldName, newName);
    } catch (error) {
      if (!isLadeError(error)) throw error;
      const text = `${errorText(error)}\nError: failed to rename container named ${printable(oldName)}`;
      throw new ExitStatus(text, undefined, error);
    }
  },
});
