// SPDX-License-Identifier: Apache-2.0

/** G7: random archives are listed as others list them. */

import { compareImages, compareTars } from "../listings.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";

const usualRuns = 5000;
const longRuns = 500_000;
/** skopeo takes long to start. */
const imagesDivisor = 10;

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const { seed } = options;
  const runs = options.count ?? (options.isLong ? longRuns : usualRuns);
  const imageRuns = Math.ceil(runs / imagesDivisor);
  const tars = await compareTars({ seed, runs });
  options.log(`${runs} tars: ${tars.length} differences`);
  const images = await compareImages({ seed, runs: imageRuns });
  options.log(`${imageRuns} images: ${images.length} differences`);
  return {
    goal: listings.name,
    title: listings.title,
    date: new Date().toISOString(),
    seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["archives", "beside", "number", "differences"],
    rows: [
      ["tars", "GNU tar and Python's tarfile", runs, tars.length],
      ["images", "skopeo", imageRuns, images.length],
    ],
    failures: [...tars, ...images],
  };
}

export const listings: Goal = {
  name: "G7",
  title: "Random archives, listed as others list them",
  isDefault: true,
  run,
};
