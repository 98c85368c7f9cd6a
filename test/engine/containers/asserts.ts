// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { isLadeError } from "../../../src/base/errors.ts";

/** For `assert.rejects`: an error of lade's with this code. */
export function code(name: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isLadeError(error), String(error));
    assert.equal(error.code, name, error.message);
    return true;
  };
}

/** For `assert.rejects`: an error with Docker's text. */
export function message(name: string, text: string | RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isLadeError(error), String(error));
    assert.equal(error.code, name, error.message);
    if (typeof text === "string") assert.equal(error.message, text);
    else assert.match(error.message, text);
    return true;
  };
}
