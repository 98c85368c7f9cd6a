// SPDX-License-Identifier: Apache-2.0

/** G9: many clients at once, some of which are killed. */

import { runCrowd } from "../crowd.ts";
import { seededRandom } from "../random.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { copyLade } from "../source-copy.ts";

const usualOperations = 10_000;
const longOperations = 100_000;
/** One store sees so many: then the next begins with none. */
const perStore = 1000;
const usualClients = 32;
/** For few operations, as in `npm test`. */
const fewClients = 8;

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const all = options.count ?? (options.isLong ? longOperations : usualOperations);
  const clients = all < perStore ? fewClients : usualClients;
  const sums = { operations: 0, done: 0, refused: 0, killed: 0, events: 0, saves: 0 };
  const failures: string[] = [];
  using lade = await copyLade();
  for (let round = 0; sums.operations < all; round++) {
    const result = await runCrowd({
      program: lade.program,
      random: seededRandom(options.seed + round),
      clients,
      operations: Math.min(perStore, all - sums.operations),
      killEvery: 25,
      log: options.log,
    });
    for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += result[key];
    failures.push(...result.failures);
    options.log(`store ${round + 1}: ${result.operations} operations, ${result.killed} killed`);
  }
  return {
    goal: crowd.name,
    title: crowd.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: [
      "clients at once",
      "operations",
      "done",
      "refused, as others' work explains",
      "killed",
      "reads and changes of names put into an order",
      "saves compared",
      "broken promises",
    ],
    rows: [
      [
        `${clients}`,
        sums.operations,
        sums.done,
        sums.refused,
        sums.killed,
        sums.events,
        sums.saves,
        failures.length,
      ],
    ],
    failures,
  };
}

export const crowd: Goal = {
  name: "G9",
  title: "Many clients: commands and API on one store, with kill -9 now and then",
  isDefault: true,
  run,
};
