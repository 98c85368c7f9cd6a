// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { it } from "node:test";
import { logConfig, logSizeLimit } from "../../src/engine/log-options.ts";

const limitOf = (Type: string, Config: Record<string, string>) =>
  logSizeLimit(logConfig({ LogConfig: { Type, Config } }));

it("a log may be as large as all of Docker's files together", () => {
  assert.equal(limitOf("", {}), undefined);
  assert.equal(limitOf("json-file", { "max-file": "3" }), undefined);
  assert.equal(limitOf("json-file", { "max-size": "-1" }), undefined);
  // Docker counts in thousands here, and in 1024s there.
  assert.equal(limitOf("json-file", { "max-size": "10m" }), 10_000_000);
  assert.equal(limitOf("json-file", { "max-size": "1.5kB", "max-file": "3" }), 4500);
  assert.equal(limitOf("local", { "max-size": "1k", "max-file": "2" }), 2048);
  assert.equal(limitOf("local", {}), 5 * 20 * 1024 * 1024);
  assert.equal(limitOf("none", { anything: "goes" }), undefined);
});
