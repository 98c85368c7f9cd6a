// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import { ExitStatus, exitCodes } from "../exit-status.ts";
import type { Template } from "../template/template.ts";
import { type ExecuteOptions, executeTemplate, parseTemplate } from "../template/template.ts";
import type { GoValue } from "../template/values.ts";

/** Parses the template of a `--format`; a bad one ends the command with Docker's exit code for it. */
export function parseFormat(text: string): Template {
  return withExitCode(exitCodes.template, () => parseTemplate(text));
}

/** Runs a template; what it can't do with the data ends the command as any other failure. */
export function executeFormat(template: Template, data: GoValue, options?: ExecuteOptions): string {
  return withExitCode(exitCodes.failure, () => executeTemplate(template, data, options));
}

const prefix = "template parsing error: ";

function withExitCode<T>(exitCode: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isLadeError(error)) throw error;
    const message = error.message.startsWith(prefix) ? error.message : `${prefix}${error.message}`;
    throw new ExitStatus(message, exitCode, error);
  }
}
