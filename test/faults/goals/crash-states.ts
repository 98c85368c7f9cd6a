// SPDX-License-Identifier: Apache-2.0

/** G2: every state that a disk may be in after a crash is one that lade goes on from. */

import type { Story } from "../crash-recording.ts";
import { checkCrashStates } from "../crash-states.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { copyLade } from "../source-copy.ts";

const usualStates = 20_000;
const longStates = 2_000_000;

/** What part of the states each story gets. A state of the last takes five times as long. */
const shares: readonly (readonly [story: Story, title: string, share: number])[] = [
  ["images", "load, tag, import, prune and rmi", 0.6],
  ["containers", "create, commit, rm and rmi", 0.35],
  ["large", "a layer written with O_DIRECT; a damaged blob that load heals", 0.05],
];

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const all = options.count ?? (options.isLong ? longStates : usualStates);
  using lade = await copyLade();
  const rows: (string | number)[][] = [];
  const failures: string[] = [];
  for (const [story, title, share] of shares) {
    const states = Math.ceil(all * share);
    options.log(`${title}: ${states} states`);
    const how = { story, states, seed: options.seed, program: lade.program };
    const result = await checkCrashStates(how);
    const { commands, changes, distinct } = result;
    rows.push([title, commands, changes, result.states, distinct, result.failures.length]);
    failures.push(...result.failures);
  }
  return {
    goal: crashStates.name,
    title: crashStates.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["commands", "number", "changes recorded", "states", "distinct", "broken promises"],
    rows,
    failures,
  };
}

export const crashStates: Goal = {
  name: "G2",
  title: "Crash states: unsynced changes lost, torn, zeroed or out of order",
  isDefault: true,
  run,
};
