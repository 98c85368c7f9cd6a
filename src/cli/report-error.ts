// SPDX-License-Identifier: Apache-2.0

import { firstThrown, isLadeError } from "../base/errors.ts";
import type { OutputStream } from "./context.ts";
import { errorText } from "./error-text.ts";
import { ExitStatus, exitCodes } from "./exit-status.ts";
import { printable, printableText } from "./format/printable.ts";

export interface ReportOptions {
  readonly output: OutputStream;
  /** Also show codes, causes and stacks. */
  readonly isDebug: boolean;
}

/**
 * Prints what ended a command.
 *
 * @returns the exit code
 */
export function reportError(thrown: unknown, { output, isDebug }: ReportOptions): number {
  const error = firstThrown(thrown);
  const text = error instanceof ExitStatus ? error.message : errorText(error);
  if (text !== "") output.write(`${printableText(text)}\n`);
  if (isDebug) for (const line of causes(thrown)) output.write(`${line}\n`);
  return error instanceof ExitStatus ? error.exitCode : exitCodes.failure;
}

/** The chain of causes, outermost first; each but lade's own errors with its stack. */
function causes(error: unknown): string[] {
  const lines: string[] = [];
  const seen = new Set<unknown>();
  for (let cause = error; cause !== undefined && !seen.has(cause); cause = causeOf(cause)) {
    seen.add(cause);
    if (cause instanceof ExitStatus) continue;
    if (isLadeError(cause)) lines.push(`debug: ${cause.code}: ${printable(cause.message)}`);
    else lines.push(`debug: ${printableText(stackOf(cause))}`);
  }
  return lines;
}

function causeOf(error: unknown): unknown {
  if (error instanceof SuppressedError) return error.suppressed;
  return error instanceof Error ? error.cause : undefined;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
