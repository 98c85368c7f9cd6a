// SPDX-License-Identifier: Apache-2.0

import type { Context } from "./context.ts";
import { exitCodes, OutputClosed } from "./exit-status.ts";
import { createProcessContext } from "./process-context.ts";
import { createProgram } from "./program.ts";

/**
 * Runs one command line.
 *
 * @param argv without the program's name
 * @returns the exit code
 */
export async function main(
  argv: readonly string[],
  context: Context = createProcessContext(),
): Promise<number> {
  const program = createProgram(context);
  try {
    await program.run(argv);
    return 0;
  } catch (error) {
    if (context.interruptedBy !== undefined) return exitCodes.signalBase + context.interruptedBy;
    if (error instanceof OutputClosed) return exitCodes.outputClosed;
    const { reportError } = await import("./report-error.ts");
    return reportError(error, { output: context.stderr, isDebug: program.globals.isDebug });
  }
}
