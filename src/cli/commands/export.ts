// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { bareErrorText } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { openEngine } from "../open-engine.ts";
import { transferLine } from "../progress/transfer-line.ts";

export const command = defineCommand({
  summary: "Export a container's filesystem as a tar archive",
  usage: "[OPTIONS] CONTAINER",
  operands: { min: 1, max: 1, completion: "container" },
  options: {
    output: {
      type: "string",
      short: "o",
      summary: "Write to a file, instead of STDOUT",
      completion: "file",
    },
  },
  async run(context, { options, operands: [container = ""], globals }) {
    const path = options.output === "" ? undefined : options.output;
    if (path === undefined && context.stdout.isTerminal) {
      throw new ExitStatus("cowardly refusing to save to a terminal. Use the -o flag or redirect");
    }
    await using engine = await openEngine(context, globals);
    using line = transferLine(context.stderr, { verb: "Exporting", now: context.now });
    const { onProgress } = line;
    const { signal } = context;
    const exported = context.useCases.exportContainer(engine, {
      container,
      path,
      onProgress,
      signal,
    });
    await exported.catch((error: unknown) => {
      if (!isLadeError(error, "OUTPUT_INVALID")) throw error;
      throw new ExitStatus(`failed to export container: ${bareErrorText(error)}`, undefined, error);
    });
  },
});
