// SPDX-License-Identifier: Apache-2.0

/** G1: the power goes while images, tags and containers change, and right after. */

import { cutPower } from "../power-cut.ts";
import { diskKinds } from "../power-disk.ts";
import { seededRandom } from "../random.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";
import { copyLade } from "../source-copy.ts";

const usualCuts = 200;
const longCuts = 5000;

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const cuts = options.count ?? (options.isLong ? longCuts : usualCuts);
  using lade = await copyLade();
  const rows: (string | number)[][] = [];
  const failures: string[] = [];
  for (const [index, disk] of diskKinds.entries()) {
    const share = Math.ceil((cuts - index) / diskKinds.length);
    if (share <= 0) continue;
    options.log(`${disk.name}: ${share} cuts`);
    const result = await cutPower({
      disk,
      cuts: share,
      random: seededRandom(options.seed + index),
      program: lade.program,
      log: options.log,
    });
    const { acknowledged, interrupted, images } = result;
    rows.push([disk.name, share, interrupted, acknowledged, images, result.failures.length]);
    failures.push(...result.failures);
  }
  return {
    goal: powerCut.name,
    title: powerCut.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: [
      "file system",
      "cuts",
      "inside a command",
      "commands that reported success",
      "images hashed afterwards",
      "broken promises",
    ],
    rows,
    failures,
  };
}

export const powerCut: Goal = {
  name: "G1",
  title: "Power cut: no image that was reported is lost or damaged, all others are old or new",
  isDefault: true,
  run,
};
