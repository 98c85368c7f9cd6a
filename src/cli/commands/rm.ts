// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { forEachName } from "../each-name.ts";
import { ExitStatus } from "../exit-status.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Remove one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "container" },
  options: {
    force: {
      type: "bool",
      short: "f",
      summary: "Force the removal of a running container (uses SIGKILL)",
    },
    link: { type: "bool", short: "l", summary: "Remove the specified link" },
    volumes: {
      type: "bool",
      short: "v",
      summary: "Remove anonymous volumes associated with the container",
    },
  },
  async run(context, { options: { force, link, volumes }, operands, globals }) {
    await using engine = await openEngine(context, globals);
    await forEachName(
      context,
      operands,
      async (operand) => {
        const name = operand.replace(/^\/+|\/+$/g, "");
        if (name === "") throw new ExitStatus("container name cannot be empty");
        await context.useCases.removeContainer(engine, name, { force, link, volumes });
      },
      // `rm -f` of what is not there has nothing to do, which is no failure.
      { isHarmless: (error) => force && isLadeError(error, "CONTAINER_NOT_FOUND") },
    );
  },
});
