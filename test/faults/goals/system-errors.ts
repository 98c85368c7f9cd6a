// SPDX-License-Identifier: Apache-2.0

/** G4: each such call fails, or writes less: told clearly, old or new, and nothing left. */

import { disturbInShares } from "../call-shares.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { copyLade } from "../source-copy.ts";

/** Of each command; with --long all, some 400 of each. */
const usualCount = 100;

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  using lade = await copyLade();
  const results = await disturbInShares({
    program: lade.program,
    kind: "error",
    seed: options.seed,
    count: options.count ?? (options.isLong ? undefined : usualCount),
    log: options.log,
  });
  return {
    goal: systemErrors.name,
    title: systemErrors.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: [
      "command",
      "such calls",
      "failed or shortened",
      "did its work all the same",
      "broken promises",
    ],
    rows: results.map(({ command, calls, points, wentOn, failures }) => [
      command,
      calls,
      points,
      wentOn.length,
      failures.length,
    ]),
    failures: results.flatMap(({ failures }) => failures),
  };
}

export const systemErrors: Goal = {
  name: "G4",
  title: "Each such call fails, or writes less: told clearly, old or new, and nothing left",
  isDefault: true,
  run,
};
