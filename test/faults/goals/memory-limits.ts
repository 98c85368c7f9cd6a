// SPDX-License-Identifier: Apache-2.0

/** G13: with little memory a command comes through or is killed, and the store is sound. */

import { formatSize } from "../../../bench/stats.ts";
import { limitMemory } from "../memory-limits.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { copyLade } from "../source-copy.ts";

/** MiB; in the first two not everything comes through. */
const usualLimits = [48, 64, 256, 384, 512];
const longLimits = [48, 56, 64, 72, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512];
const usualSize = 400_000_000;
/** With a number of limits, as in `npm test`. */
const smallSize = 100_000_000;
const longSize = 1_500_000_000;

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const all = options.isLong ? longLimits : usualLimits;
  const limits = all.slice(0, options.count);
  const size = options.isLong ? longSize : options.count === undefined ? usualSize : smallSize;
  using lade = await copyLade();
  const { rows, failures } = await limitMemory({
    program: lade.program,
    limits,
    size,
    seed: options.seed,
    log: options.log,
  });
  const works = [...new Set(rows.map(({ work }) => work))];
  return {
    goal: memoryLimits.name,
    title: `${memoryLimits.title}: an image of ${formatSize(size)}`,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["", ...limits.map((limit) => `${limit} MiB`)],
    rows: works.map((work) => [
      work,
      ...limits.map((limit) => {
        const found = rows.find((row) => row.work === work && row.limitMib === limit);
        return found === undefined ? "–" : `${found.verdict} (${formatSize(found.peak)})`;
      }),
    ]),
    failures,
  };
}

export const memoryLimits: Goal = {
  name: "G13",
  title:
    "Little memory: in a control group of so much; the most that was used, page cache included",
  isDefault: true,
  run,
};
