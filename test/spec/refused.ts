// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { type ErrorCode, isLadeError, LadeError } from "../../src/base/errors.ts";

/** Runs what must be refused, and gives the error; fails where it is let through. */
export function refused(code: ErrorCode, run: () => unknown): LadeError {
  try {
    run();
  } catch (error) {
    if (isLadeError(error, code)) return error;
    throw error;
  }
  assert.fail(`not refused; expected ${code}`);
}

/** Runs something that may be refused; any other failure is a bug. */
export function resultOrRefusal<T>(run: () => T): T | LadeError {
  try {
    return run();
  } catch (error) {
    if (error instanceof LadeError) return error;
    throw error;
  }
}
