// SPDX-License-Identifier: Apache-2.0

/** Mistakes that many clients, or clients that leave, must bring to light, and the proof of it. */

import { runCrowd } from "./crowd.ts";
import { watchLeaving } from "./leaving.ts";
import type { Mistake } from "./mistakes.ts";
import { seededRandom } from "./random.ts";
import type { GoalOptions, GoalResult } from "./result.ts";
import { copyLade } from "./source-copy.ts";

interface ClientMistake extends Mistake {
  readonly by: "many clients" | "clients that leave";
}

export const clientMistakes: readonly ClientMistake[] = [
  {
    name: "a transaction is not immediate",
    by: "many clients",
    replacements: [
      {
        file: "src/content/database.ts",
        find: '        connection.exec("BEGIN IMMEDIATE");\n',
        replace: '        connection.exec("BEGIN");\n',
      },
    ],
  },
  {
    name: "a lease's lock is not held",
    by: "many clients",
    replacements: [
      {
        file: "src/content/lease.ts",
        find: "const isOurs = tryLock(fd) && isSameFile(fd, path);",
        replace: "const isOurs = isSameFile(fd, path);",
      },
    ],
  },
  {
    name: "a name that is taken stays where it was",
    by: "many clients",
    replacements: [
      {
        file: "src/content/images.ts",
        find: "INSERT OR REPLACE INTO tag (",
        replace: "INSERT OR IGNORE INTO tag (",
      },
    ],
  },
  {
    name: "a layer goes that another image has",
    by: "many clients",
    replacements: [
      {
        file: "src/content/sweep.ts",
        find: "  AND NOT EXISTS (SELECT 1 FROM image_layer WHERE image_layer.diff_id = blob.digest)\n",
        replace: "",
      },
    ],
  },
  {
    name: "a container's lock is not taken",
    by: "many clients",
    replacements: [
      {
        file: "src/engine/container-lock.ts",
        find: "  using _lock = await acquireLock(lockPath(engine, id));\n",
        replace: "  void acquireLock;\n",
      },
      // A removal would get over what the lock spares it.
      {
        file: "src/engine/remove-files.ts",
        find: ", maxRetries: 10, retryDelay: 20",
        replace: "",
      },
    ],
  },
  {
    name: "a save does not close its layers",
    by: "clients that leave",
    replacements: [
      {
        file: "src/engine/save.ts",
        find: "    for (const fd of opened.values()) closeSync(fd);\n",
        replace: "    void closeSync;\n",
      },
    ],
  },
];

const operations = 900;
const clients = 16;
const calls = 100;

/** Fails for every mistake that its harness does not find. */
export async function proveClients(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const rows: (readonly string[])[] = [];
  const failures: string[] = [];
  for (const mistake of clientMistakes) {
    const found = await prove(mistake, options);
    rows.push([mistake.name, mistake.by, found === undefined ? "–" : "found"]);
    options.log(`${mistake.name}: ${found ?? "not found"}`);
    if (found === undefined) failures.push(`not found: ${mistake.name}`);
  }
  return {
    goal: "proof-clients",
    title: "Mistakes that were planted for G9 and G11",
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["mistake", "harness", ""],
    rows,
    failures,
  };
}

/** @returns the first thing that went wrong */
async function prove(mistake: ClientMistake, { seed }: GoalOptions): Promise<string | undefined> {
  using lade = await copyLade(mistake.replacements);
  const { program } = lade;
  const random = seededRandom(seed);
  if (mistake.by === "clients that leave") {
    return (await watchLeaving({ program, random, calls })).failures[0];
  }
  const how = { program, random, clients, operations, killEvery: 25, stopsEarly: true };
  return (await runCrowd(how)).failures[0];
}
