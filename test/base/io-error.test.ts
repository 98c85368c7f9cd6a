// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ErrorCode, isLadeError, LadeError } from "../../src/base/errors.ts";
import { ioError } from "../../src/base/io-error.ts";
import { systemError } from "../helpers/system-calls.ts";

function ladeError(cause: unknown, work: string): LadeError {
  const error = ioError(cause, work);
  assert.ok(isLadeError(error));
  return error;
}

describe("ioError", () => {
  it("says what failed, why and what to do", () => {
    const cases: readonly (readonly [
      system: string,
      code: ErrorCode,
      why: RegExp,
      hint: RegExp,
    ])[] = [
      ["ENOSPC", "DISK_FULL", /no space left on device$/, /Free some space/],
      ["EDQUOT", "DISK_FULL", /disk quota exceeded$/, /quota/],
      ["EFBIG", "DISK_FULL", /EFBIG/, /ulimit/],
      ["EACCES", "STORE_DENIED", /permission denied$/, /--root/],
      ["EPERM", "STORE_DENIED", /operation not permitted$/, /--root/],
      ["EROFS", "STORE_DENIED", /read-only file system$/, /read-only/],
      ["EPIPE", "PIPE_CLOSED", /broken pipe$/, /stopped before its end/],
      ["EMFILE", "IO_FAILED", /too many open files$/, /ulimit -n/],
    ];
    for (const [system, code, why, hint] of cases) {
      const cause = systemError(system);
      const error = ladeError(cause, "write blob x");
      assert.equal(error.code, code);
      assert.match(error.message, /^write blob x: /);
      assert.match(error.message, why);
      assert.match(error.hint ?? "", hint);
      assert.equal(error.cause, cause);
    }
  });

  it("knows no more than the system about other errors", () => {
    const error = ladeError(systemError("EIO"), "read x");
    assert.equal(error.message, "read x: input/output error");
    assert.equal(error.code, "IO_FAILED");
    assert.equal(error.hint, undefined);
    const odd = ioError(systemError("EXDEV"), "move x");
    assert.equal(odd.message, "move x: EXDEV: as asked for by a test");
  });

  it("leaves errors of lade's as they are", () => {
    const error = new LadeError("TAR_FIELD", "layer: invalid");
    assert.equal(ioError(error, "store layer"), error);
  });

  it("lets plain errors through, which are bugs", () => {
    const nodes = Object.assign(new TypeError("wrong"), { code: "ERR_INVALID_ARG_TYPE" });
    for (const error of [new Error("broken"), nodes]) {
      assert.equal(ioError(error, "store layer"), error);
    }
    assert.equal(ioError("thrown", "store layer").message, "thrown");
  });
});
