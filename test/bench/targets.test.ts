// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BenchResults } from "../../bench/results.ts";
import { judge } from "../../bench/targets.ts";
import { benchResults, caseResult, clientsMeasurement, measurement } from "./sample-results.ts";

function verdicts(results: BenchResults): Map<string, string> {
  return new Map(judge(results).map(({ id, got, verdict }) => [id, `${verdict} ${got}`]));
}

test("a run that reaches everything meets every target", () => {
  const rows = judge(benchResults());
  assert.equal(rows.length, 29);
  assert.deepEqual(
    rows.filter((row) => row.verdict !== "met"),
    [],
  );
});

test("a ratio below the least, or above the most, is missed", () => {
  const slow = caseResult("load-file", {
    measurements: [
      measurement("lade", [1.4]),
      measurement("docker", [12]),
      measurement("floor", [1]),
    ],
  });
  const found = verdicts(benchResults({ cases: [slow] }));
  assert.equal(found.get("load-file"), "missed 8.6 ×");
  assert.equal(found.get("load-floor"), "missed 1.40 ×");
});

test("one step with too much memory misses the memory target, wherever it was", () => {
  const heavy = caseResult("growth-save", {
    size: 10e9,
    measurements: [
      { ...measurement("lade", [1, 1], 100e6), samples: [{ seconds: 1, peakMemory: 251e6 }] },
    ],
  });
  const found = verdicts(benchResults({ growth: [heavy] }));
  assert.equal(found.get("memory"), "missed 251 MB");
});

test("the memory of other tools is not lade's", () => {
  const docker = caseResult("load-file", { measurements: [measurement("docker", [1], 900e6)] });
  const found = verdicts(benchResults({ cases: [docker] }));
  assert.equal(found.get("memory"), "met 100 MB");
});

test("a target without figures is not measured, not met", () => {
  const failed = caseResult("import", {
    measurements: [
      { contender: "lade", command: "lade import", samples: [], failure: "exit 1" },
      measurement("docker", [5]),
    ],
  });
  const found = verdicts(benchResults({ cases: [failed], lists: [] }));
  assert.equal(found.get("import"), "not measured -");
  assert.equal(found.get("images-10000"), "not measured -");
});

test("answers to many clients that tell of errors count for nothing", () => {
  const [first, ...others] = benchResults().clients;
  assert.ok(first !== undefined);
  const failing = clientsMeasurement("lade", 9_000, { failures: 1 });
  const slow = clientsMeasurement("lade", 900);
  const docker = clientsMeasurement("docker", 1_000);
  const judged = (lade: typeof docker) =>
    verdicts(benchResults({ clients: [{ ...first, measurements: [lade, docker] }, ...others] }));
  assert.equal(judged(failing).get("api-list-images-rate"), "not measured -");
  assert.equal(judged(slow).get("api-list-images-rate"), "missed 0.90 ×");
  assert.equal(judged(slow).get("api-list-images-p99"), "missed 1.11 ×");
});
