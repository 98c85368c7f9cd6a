// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { it } from "node:test";
import packageJson from "../../package.json" with { type: "json" };
import { gitCommit, version } from "../../src/base/version.ts";

it("knows its version when it runs from sources", () => {
  assert.equal(version, packageJson.version);
  assert.equal(gitCommit, "unknown");
});
