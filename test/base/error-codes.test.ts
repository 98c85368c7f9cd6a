// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type ErrorCode,
  errorKinds,
  isLadeError,
  isSystemError,
  LadeError,
  messageOf,
} from "../../src/base/errors.ts";

const project = join(import.meta.dirname, "../..");

/** The capital words in the TypeScript of a folder, without those of the table itself. */
function wordsIn(folder: string): Set<string> {
  const names = readdirSync(join(project, folder), { recursive: true, encoding: "utf8" });
  const texts = names
    .filter((name) => name.endsWith(".ts") && name !== "base/errors.ts")
    .map((name) => readFileSync(join(project, folder, name), "utf8"));
  return new Set(texts.join("\n").match(/\b[A-Z]+(?:_[A-Z]+)*\b/g));
}

describe("error codes", () => {
  it("are each thrown somewhere, and asked for by some test", () => {
    for (const folder of ["src", "test"]) {
      const words = wordsIn(folder);
      const missing = Object.keys(errorKinds).filter((code) => !words.has(code));
      assert.deepEqual(missing, [], folder);
    }
  });

  it("are in order, so that none is there twice under two names", () => {
    const codes = Object.keys(errorKinds);
    assert.deepEqual(codes, codes.toSorted());
    for (const code of codes) assert.match(code, /^[A-Z]+(?:_[A-Z]+)*$/);
  });
});

describe("LadeError", () => {
  it("carries code, kind, hint and cause", () => {
    for (const [code, kind] of Object.entries(errorKinds)) {
      assert.equal(new LadeError(code as ErrorCode, "m").kind, kind);
    }
    const cause = new Error("why");
    const error = new LadeError("DISK_FULL", "write x: full", { hint: "Free some.", cause });
    assert.equal(error.name, "LadeError");
    assert.equal(error.hint, "Free some.");
    assert.equal(error.cause, cause);
    assert.ok(!("cause" in new LadeError("DISK_FULL", "m")));
    assert.equal(messageOf(error), "write x: full");
    assert.equal(messageOf("text"), "text");
  });

  it("is told from others", () => {
    const error = new LadeError("DISK_FULL", "m");
    assert.ok(isLadeError(error));
    assert.ok(isLadeError(error, "DISK_FULL"));
    assert.ok(!isLadeError(error, "IO_FAILED"));
    assert.ok(!isLadeError(Object.assign(new Error("m"), { code: "DISK_FULL" })));
    assert.ok(isSystemError(Object.assign(new Error("m"), { code: "ENOENT" }), "ENOENT"));
    assert.ok(!isSystemError({ code: "ENOENT" }, "ENOENT"));
    assert.ok(!isSystemError(new Error("ENOENT"), "ENOENT"));
  });
});
