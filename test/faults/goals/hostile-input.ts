// SPDX-License-Identifier: Apache-2.0

/** G5 and G6: known attacks are refused or stay inside; odd but honest archives are taken. */

import { run as runCommand } from "../../helpers/tools.ts";
import { corpusMap, fixturesOf, rowsOfTheTable } from "../corpus-map.ts";
import { auditFiles } from "../file-audit.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { copyLade } from "../source-copy.ts";

const groups: Readonly<Record<string, string>> = {
  T: "tar and pax",
  P: "paths and links",
  W: "whiteouts, overlayfs",
  M: "shapes that must be taken",
  A: "archives and documents",
  D: "bombs",
  C: "config and start of containers",
  X: "copying and exporting",
  R: "the API",
};

/** The tests that hold the table; each is a part of `npm test`, too. */
const suites = [
  ...["test/faults/corpus", "test/engine/load-hostile", "test/engine/load-makers"],
  ...["test/engine/load-debatable", "test/engine/archive-image", "test/engine/import"],
  ...["test/rootfs/unpack-hostile", "test/engine/containers/copy", "test/runtime/inside"],
];

const none = "–";

type AuditRows = Pick<GoalResult, "rows" | "failures">;

/** What lade touches while layers come in that try to get out. */
async function auditRows(): Promise<AuditRows> {
  using lade = await copyLade();
  const ways = await auditFiles({ program: lade.program });
  return {
    rows: ways.map(({ name, layers, calls, failures }) => {
      return ["paths and links, traced", none, layers, calls, failures.length, name];
    }),
    failures: ways.flatMap(({ failures }) => failures),
  };
}

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const words = [...process.execArgv, "scripts/test.ts", ...suites];
  const { code, stdout } = await runCommand(process.execPath, words, { timeoutMs: 1_800_000 });
  const failures = code === 0 ? [] : stdout.split("\n").filter((line) => line.startsWith("FAIL "));
  if (code !== 0 && failures.length === 0) failures.push(stdout.slice(-3000));
  const rows: (readonly (string | number)[])[] = Object.entries(groups).map(([letter, name]) => {
    const of = rowsOfTheTable.filter((row) => row.startsWith(letter));
    const fixtures = of.reduce((sum, row) => sum + fixturesOf(row).length, 0);
    const ways = new Set(of.flatMap((row) => corpusMap[row]?.ways ?? []));
    return [name, of.length, fixtures, none, none, [...ways].join(", ")];
  });
  const audit = await auditRows();
  rows.push(...audit.rows);
  failures.push(...audit.failures);
  options.log(
    stdout
      .split("\n")
      .filter((line) => line.startsWith("ℹ"))
      .join("  "),
  );
  return {
    goal: hostileInput.name,
    title: hostileInput.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["attacks", "rows", "fixtures", "calls judged", "calls outside", "ways in"],
    rows,
    failures,
  };
}

export const hostileInput: Goal = {
  name: "G5",
  title: "Known attacks, refused or kept inside, and honest archives, taken (G6)",
  isDefault: true,
  run,
};
