// SPDX-License-Identifier: Apache-2.0

/** G5 and G6: known attacks are refused or stay inside; odd but honest archives are taken. */

import { run as runCommand } from "../../helpers/tools.ts";
import { corpusMap, fixturesOf, rowsOfTheTable } from "../corpus-map.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";

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

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const words = [...process.execArgv, "scripts/test.ts", ...suites];
  const { code, stdout } = await runCommand(process.execPath, words, { timeoutMs: 1_800_000 });
  const failures = code === 0 ? [] : stdout.split("\n").filter((line) => line.startsWith("FAIL "));
  if (code !== 0 && failures.length === 0) failures.push(stdout.slice(-3000));
  const rows = Object.entries(groups).map(([letter, name]) => {
    const of = rowsOfTheTable.filter((row) => row.startsWith(letter));
    const fixtures = of.reduce((sum, row) => sum + fixturesOf(row).length, 0);
    const ways = new Set(of.flatMap((row) => corpusMap[row]?.ways ?? []));
    return [name, of.length, fixtures, [...ways].join(", ")];
  });
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
    head: ["attacks", "rows", "fixtures", "ways in"],
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
