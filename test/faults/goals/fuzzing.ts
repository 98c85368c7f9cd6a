// SPDX-License-Identifier: Apache-2.0

/** G8: what comes from outside, damaged at random: no bug, no hang, no memory without bounds. */

import { fuzz } from "../fuzz/run.ts";
import { fuzzTargets } from "../fuzz/targets.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";

const usualRuns = 50_000;
const longRuns = 1_000_000;

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const wanted = options.count ?? (options.isLong ? longRuns : usualRuns);
  const rows: (string | number)[][] = [];
  const failures: string[] = [];
  for (const { name, divisor = 1 } of fuzzTargets) {
    const report = await fuzz(name, options.seed, Math.ceil(wanted / divisor));
    rows.push([name, report.runs, `${report.seconds} s`, report.memory, report.failures.length]);
    options.log(rows.at(-1)?.join("  ") ?? "");
    failures.push(...report.failures);
  }
  return {
    goal: fuzzing.name,
    title: fuzzing.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["what", "executions", "time", "memory, MB", "failures"],
    rows,
    failures,
  };
}

export const fuzzing: Goal = {
  name: "G8",
  title: "Fuzzing: damaged and random input to everything that reads from outside",
  isDefault: true,
  run,
};
