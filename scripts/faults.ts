// SPDX-License-Identifier: Apache-2.0

/**
 * Runs the tests of faults and writes what they found to `docs/reliability.json` and the tables of
 * `docs/reliability.md`.
 *
 *   npm run test:faults -- [GOAL …] [--long] [--prove] [--seed N] [--count N] [--dry]
 *
 * Without goals all that run by default. `--prove` plants mistakes into copies of lade, one at a
 * time, and fails where the goals do not find one. `--dry` leaves the documents as they are.
 */

import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { goals } from "../test/faults/goals.ts";
import { proofs } from "../test/faults/proofs.ts";
import { keepResult } from "../test/faults/report.ts";
import type { GoalOptions } from "../test/faults/result.ts";

/** Also asked for by what must not touch the machine's own mounts. */
const inNamespace = "LADE_FAULTS_NAMESPACE";

/**
 * Starts this script again in a mount namespace of its own: a namespace that anybody else makes
 * meanwhile would otherwise keep copies of our mounts, and a disk that is held can't lose its power.
 */
function enterNamespace(): number {
  const args = ["--mount", "--propagation", "private", process.execPath];
  const all = [...args, ...process.execArgv, ...process.argv.slice(1)];
  const env = { ...process.env, [inNamespace]: "1" };
  const { status, error } = spawnSync("unshare", all, { stdio: "inherit", env });
  if (error !== undefined) throw error;
  return status ?? 1;
}

/** Those of the goals that were named; all where none was. */
function proofsOf(names: readonly string[]) {
  return proofs.filter(
    ({ goals: list }) => names.length === 0 || list.some((name) => names.includes(name)),
  );
}

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      long: { type: "boolean", default: false },
      prove: { type: "boolean", default: false },
      dry: { type: "boolean", default: false },
      seed: { type: "string" },
      count: { type: "string" },
    },
  });
  const unknown = positionals.filter((name) => !goals.some((goal) => goal.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `no goal ${unknown.join(", ")}: there are ${goals.map((goal) => goal.name).join(", ")}`,
    );
  }
  const options: GoalOptions = {
    seed: Number(values.seed ?? Date.now() % 1_000_000),
    isLong: values.long,
    count: values.count === undefined ? undefined : Number(values.count),
    log: (line) => console.log(line),
  };
  console.log(`seed ${options.seed}`);
  if (values.prove) {
    let isProven = true;
    for (const proof of proofsOf(positionals)) {
      const result = await proof.prove(options);
      if (!values.dry) keepResult(result);
      isProven &&= result.failures.length === 0;
    }
    return isProven;
  }
  let isSound = true;
  const wanted = goals.filter((goal) =>
    positionals.length === 0 ? goal.isDefault : positionals.includes(goal.name),
  );
  for (const goal of wanted) {
    console.log(`${goal.name}: ${goal.title}`);
    const result = await goal.run(options);
    console.log(`${goal.name}: ${result.seconds} s, ${result.failures.length} failures`);
    for (const failure of result.failures) console.log(`  ${failure}`);
    if (!values.dry) keepResult(result);
    isSound &&= result.failures.length === 0;
  }
  return isSound;
}

// What was mounted and written is cleared away on exit.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
if (process.env[inNamespace] === undefined) process.exitCode = enterNamespace();
else process.exitCode = (await main()) ? 0 : 1;
