// SPDX-License-Identifier: Apache-2.0

/** G10: copies and exports beside a container that swaps folders and symlinks. */

import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { raceAll } from "../swap-race.ts";

const usualSeconds = 20;
const longSeconds = 600;

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const seconds = options.count ?? (options.isLong ? longSeconds : usualSeconds);
  const results = await raceAll({ millisecondsEach: (seconds * 1000) / 2 });
  const rows = [...Map.groupBy(results, ({ name }) => name)].map(([name, all]) => {
    const sum = (of: (one: (typeof all)[number]) => number) =>
      all.reduce((total, one) => total + of(one), 0);
    return [
      name,
      sum((one) => one.tries),
      sum((one) => one.swaps),
      sum((one) => one.failures.length),
    ];
  });
  for (const row of rows) options.log(row.join("  "));
  return {
    goal: swapRace.name,
    title: swapRace.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["what", "tries", "swaps meanwhile", "escapes"],
    rows,
    failures: results.flatMap(({ failures }) => failures),
  };
}

export const swapRace: Goal = {
  name: "G10",
  title: "Copies and exports while the container swaps a folder and a symlink to the host",
  isDefault: true,
  run,
};
