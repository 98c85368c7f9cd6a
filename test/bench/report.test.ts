// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { markdownTable, renderReport } from "../../bench/report.ts";
import { benchResults, caseResult, measurement } from "./sample-results.ts";

const options = { chart: "chart.svg", causes: {} };

/** Cells of a table row, split at bars that are not escaped. */
function cells(row: string): string[] {
  return row.split(/(?<!\\)\|/).slice(1, -1);
}

test("a table sets words to the left and numbers to the right", () => {
  assert.equal(
    markdownTable(["what", "median"], [["load", "1 s"]]),
    "| what | median |\n| --- | ---: |\n| load | 1 s |",
  );
});

test("every table of the report has the same number of cells in each row", () => {
  const report = renderReport(benchResults(), options);
  const tables = report.split("\n\n").filter((part) => part.startsWith("|"));
  assert.equal(tables.length, 7);
  for (const table of tables) {
    const widths = new Set(table.split("\n").map((row) => cells(row).length));
    assert.equal(widths.size, 1, table);
  }
});

test("the table of times has medians and both ratios", () => {
  const report = renderReport(benchResults(), options);
  assert.match(report, /\| `load-file` \| 1\.00 s \| 11\.0 s \| 900 ms \| 11\.0 × \| 1\.11 × \|/);
});

test("the table of growth has a row for each size, in order", () => {
  const report = renderReport(benchResults(), options);
  assert.match(
    report,
    /\n\| 100 MB \| 1\.00 s \| 900 ms \| 1\.11 × \| 100 MB \|.*\n\| 10\.0 GB \|/,
  );
});

test("a miss stays in the table, with its cause", () => {
  const slow = caseResult("import", {
    measurements: [measurement("lade", [1]), measurement("docker", [2])],
  });
  const results = benchResults({ cases: [slow] });
  const causes = { import: "one core hashes" };
  assert.match(renderReport(results, { ...options, causes }), /\*\*missed\*\*: one core hashes/);
  assert.match(renderReport(results, options), /\*\*missed\*\*: cause not known yet/);
});

test("a tool that failed is shown as failed, with the reason", () => {
  const failed = caseResult("load-file", {
    measurements: [
      { contender: "docker", command: "docker load", samples: [], failure: "exit 1: no | space" },
    ],
  });
  const report = renderReport(benchResults({ cases: [failed] }), options);
  assert.match(report, /\| `load-file` \| failed \|/);
  assert.match(report, /failed: exit 1: no \\\| space/);
});

test("a smoke test and warnings say so at the top", () => {
  const results = benchResults({ quick: true, warnings: ["docker used vfs."] });
  const top = renderReport(results, options).split("## Targets")[0] ?? "";
  assert.match(top, /smoke test/);
  assert.match(top, /docker used vfs\./);
});
