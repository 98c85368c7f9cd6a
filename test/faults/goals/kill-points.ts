// SPDX-License-Identifier: Apache-2.0

/** G3: killed before each system call that changes something: old or new, and the next command tidies up. */

import { disturbInShares } from "../call-shares.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { copyLade } from "../source-copy.ts";

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  using lade = await copyLade();
  const results = await disturbInShares({
    program: lade.program,
    kind: "kill",
    seed: options.seed,
    // All of them, unless somebody asks for less.
    count: options.count,
    log: options.log,
  });
  return {
    goal: killPoints.name,
    title: killPoints.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["command", "such calls", "killed before one", "broken promises"],
    rows: results.map(({ command, calls, points, failures }) => [
      command,
      calls,
      points,
      failures.length,
    ]),
    failures: results.flatMap(({ failures }) => failures),
  };
}

export const killPoints: Goal = {
  name: "G3",
  title:
    "Killed before each system call that changes something: old or new, and the next command tidies up",
  isDefault: true,
  run,
};
