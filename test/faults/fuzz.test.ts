// SPDX-License-Identifier: Apache-2.0

/** A slice of goal G8, other each time. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fuzz } from "./fuzz/run.ts";
import { fuzzTargets } from "./fuzz/targets.ts";

const runs = 600;

describe("fuzzing", () => {
  const seed = Date.now() % 1_000_000;
  for (const { name, divisor = 1 } of fuzzTargets) {
    it(name, async () => {
      const report = await fuzz(name, seed, Math.ceil(runs / divisor));
      assert.deepEqual(report.failures, []);
      assert.equal(report.runs, Math.ceil(runs / divisor));
    });
  }
});
