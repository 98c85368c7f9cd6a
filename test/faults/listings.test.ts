// SPDX-License-Identifier: Apache-2.0

/** A slice of goal G7; `test/tar/differential.test.ts` has the one of tars. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { compareImages } from "./listings.ts";

it("images are listed as skopeo lists them", async () => {
  assert.deepEqual(await compareImages({ seed: Date.now() % 1_000_000, runs: 25 }), []);
});
