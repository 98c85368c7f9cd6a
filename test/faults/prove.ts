// SPDX-License-Identifier: Apache-2.0

/** Whether the harnesses find what they are for: mistakes are planted, one at a time. */

import { checkCrashStates } from "./crash-states.ts";
import { type Mistake, mistakes } from "./mistakes.ts";
import { cutPower } from "./power-cut.ts";
import { type DiskKind, diskKinds } from "./power-disk.ts";
import { seededRandom } from "./random.ts";
import type { GoalOptions, GoalResult } from "./result.ts";
import { copyLade } from "./source-copy.ts";

const statesPerStory = 1500;
const cuts = 40;

interface Proof {
  readonly byStates: string;
  readonly byCuts: string;
}

/** Fails for every mistake that neither harness finds. */
export async function proveGoals(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const rows: (readonly string[])[] = [];
  const failures: string[] = [];
  for (const mistake of mistakes) {
    const { byStates, byCuts } = await prove(mistake, options);
    rows.push([mistake.name, byStates, byCuts]);
    options.log(`${mistake.name}: crash states: ${byStates}; power cuts: ${byCuts}`);
    if (byStates === notFound && byCuts === notFound) failures.push(`not found: ${mistake.name}`);
  }
  return {
    goal: "proof",
    title: "Mistakes that were planted, and which harness found them",
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["mistake", "crash states", "power cuts"],
    rows,
    failures,
  };
}

const notFound = "–";

async function prove(mistake: Mistake, options: GoalOptions): Promise<Proof> {
  using lade = await copyLade(mistake.replacements);
  const { program } = lade;
  return {
    byStates: await provedByStates(program, options),
    byCuts: await provedByCuts(program, options),
  };
}

async function provedByStates(program: string, { seed, log }: GoalOptions): Promise<string> {
  let looked = 0;
  for (const story of ["images", "containers", "large"] as const) {
    const states = story === "large" ? statesPerStory / 5 : statesPerStory;
    const how = { story, states, seed, program, stopsEarly: true };
    const { failures, states: count } = await checkCrashStates(how);
    looked += count;
    if (failures[0] === undefined) continue;
    log(`  ${failures[0]}`);
    return `found in ${looked} states`;
  }
  return notFound;
}

/** The file system that keeps things to itself for longest. */
async function provedByCuts(program: string, { seed, log }: GoalOptions): Promise<string> {
  const disk = diskKinds[1] as DiskKind;
  const how = { disk, cuts, random: seededRandom(seed), program, stopsEarly: true };
  const { failures, cuts: count } = await cutPower(how);
  if (failures[0] === undefined) return notFound;
  log(`  ${failures[0]}`);
  return `found in ${count} cuts`;
}
