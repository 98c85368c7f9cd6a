// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LadeError } from "../../src/base/errors.ts";
import { reportError } from "../../src/cli/report-error.ts";
import { startExitCode } from "../../src/cli/start-exit-code.ts";

/** What `using` throws where the work fails, and putting away what it used does, too. */
function failTwice(first: Error): unknown {
  try {
    using _ = {
      [Symbol.dispose]() {
        throw new Error("the lock can't be opened");
      },
    };
    throw first;
  } catch (error) {
    return error;
  }
}

function report(error: unknown, isDebug = false): string {
  let written = "";
  const output = { write: (text: string) => (written += text), isTerminal: false, columns: 80 };
  assert.equal(reportError(error, { output, isDebug } as never), 1);
  return written;
}

describe("reportError", () => {
  const full = new LadeError("DISK_FULL", "write /x: no space left on device");

  it("tells of what went wrong first", () => {
    assert.equal(report(failTwice(full)), `${full.message}\n`);
    assert.equal(report(failTwice(failTwice(full) as Error)), `${full.message}\n`);
  });

  it("shows both to who asks for it", () => {
    const text = report(failTwice(full), true);
    assert.match(text, /debug: SuppressedError/);
    assert.match(text, /debug: DISK_FULL: write \/x/);
  });

  it("knows whose fault it was that a container did not start", () => {
    assert.equal(startExitCode(failTwice(new LadeError("COMMAND_NOT_FOUND", "x"))), 127);
  });
});
