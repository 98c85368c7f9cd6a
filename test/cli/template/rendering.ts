// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { isLadeError } from "../../../src/base/errors.ts";
import {
  type ExecuteOptions,
  executeTemplate,
  parseTemplate,
} from "../../../src/cli/template/template.ts";
import type { GoValue } from "../../../src/cli/template/values.ts";

/** What a template prints for the data. */
export function render(text: string, data?: GoValue, options?: ExecuteOptions): string {
  return executeTemplate(parseTemplate(text), data, options);
}

/** The message of the error that parsing ends in. */
export function parseFailure(text: string): string {
  try {
    parseTemplate(text);
  } catch (error) {
    if (isLadeError(error, "TEMPLATE_INVALID")) return error.message;
    throw error;
  }
  return assert.fail(`no parse error: ${text}`);
}

/** The message of the error that the execution ends in. */
export function executionFailure(text: string, data?: GoValue, options?: ExecuteOptions): string {
  const template = parseTemplate(text);
  try {
    executeTemplate(template, data, options);
  } catch (error) {
    if (isLadeError(error, "TEMPLATE_EXECUTION")) return error.message;
    throw error;
  }
  return assert.fail(`no execution error: ${text}`);
}

/** One test for each row of a table: template, wanted output. */
export type Rows = readonly (readonly [template: string, wanted: string])[];
