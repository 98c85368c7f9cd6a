// SPDX-License-Identifier: Apache-2.0

/** The proof that harnesses find what they are for: mistakes are planted, one at a time. */

import type { GoalOptions, GoalResult } from "./result.ts";
import { copyLade, type Replacement } from "./source-copy.ts";

/** One step of lade taken out of a copy of its sources. */
export interface Mistake {
  readonly name: string;
  readonly replacements: readonly Replacement[];
}

/** What the harnesses say of one mistake. */
export interface Finding {
  /** Cells of its row after its name. */
  readonly cells: readonly (string | number)[];
  /** What brought it to light first; undefined where nothing did. */
  readonly found: string | undefined;
}

/** In a cell, for a harness that does not see the mistake. */
export const notFound = "–";

interface ProofPlan<M extends Mistake> {
  /** The goals whose harnesses are proven. */
  readonly goals: readonly string[];
  /** Where the result is kept. */
  readonly name: string;
  readonly title: string;
  /** Of the cells after the mistake's name. */
  readonly head: readonly string[];
  readonly mistakes: readonly M[];
  /** @param program lade with the mistake in it */
  look(mistake: M, program: string, options: GoalOptions): Promise<Finding>;
}

export interface Proof {
  readonly goals: readonly string[];
  readonly mistakes: readonly Mistake[];
  /** Fails for every mistake that goes unnoticed. */
  prove(options: GoalOptions): Promise<GoalResult>;
}

export function proofOf<M extends Mistake>(plan: ProofPlan<M>): Proof {
  return { goals: plan.goals, mistakes: plan.mistakes, prove: (options) => prove(plan, options) };
}

async function prove<M extends Mistake>(
  plan: ProofPlan<M>,
  options: GoalOptions,
): Promise<GoalResult> {
  const started = performance.now();
  const rows: (readonly (string | number)[])[] = [];
  const failures: string[] = [];
  for (const mistake of plan.mistakes) {
    using lade = await copyLade(mistake.replacements);
    const { cells, found } = await plan.look(mistake, lade.program, options);
    rows.push([mistake.name, ...cells]);
    options.log(`${mistake.name}: ${cells.join(", ")}: ${found ?? "not found"}`);
    if (found === undefined) failures.push(`not found: ${mistake.name}`);
  }
  return {
    goal: plan.name,
    title: plan.title,
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["mistake", ...plan.head],
    rows,
    failures,
  };
}
