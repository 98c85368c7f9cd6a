// SPDX-License-Identifier: Apache-2.0

/** G12: bits that flip in the store's files, found before use and healed. */

import { type RotResult, rot, rotDatabase, rotten } from "../bit-rot.ts";
import type { Goal, GoalOptions, GoalResult } from "../result.ts";

const usualFlips = 500;
const longFlips = 20_000;

async function run(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const all = options.count ?? (options.isLong ? longFlips : usualFlips);
  const how = { flips: Math.ceil(all / rotten.length), seed: options.seed };
  const results: RotResult[] = [];
  for (const what of rotten) {
    results.push(what === "database" ? await rotDatabase(how) : await rot(what, how));
    const { flips, found } = results.at(-1) as RotResult;
    options.log(`${what}: ${flips} flips, told of ${found}`);
  }
  return {
    goal: bitRot.name,
    title: bitRot.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["what", "flips", "told of", "right all the same", "wrong bytes, or not healed"],
    rows: results.map(({ what, flips, found, failures }) => {
      const isRight = flips - found - failures.length;
      return [what, flips, found, isRight, failures.length];
    }),
    failures: results.flatMap(({ failures }) => failures),
  };
}

export const bitRot: Goal = {
  name: "G12",
  title: "Bit rot: one bit of a file of the store, then save, run, cp, export or load",
  isDefault: true,
  run,
};
