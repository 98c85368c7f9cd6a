// SPDX-License-Identifier: Apache-2.0

/** Mistakes that many clients, or clients that leave, must bring to light. */

import { runCrowd } from "./crowd.ts";
import { watchLeaving } from "./leaving.ts";
import { type Finding, type Mistake, notFound, proofOf } from "./proof.ts";
import { seededRandom } from "./random.ts";
import type { GoalOptions } from "./result.ts";

interface ClientMistake extends Mistake {
  readonly by: "many clients" | "clients that leave";
}

const mistakes: readonly ClientMistake[] = [
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
        find: ", { maxRetries: 10, retryDelay: 20 }",
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

async function look(
  { by }: ClientMistake,
  program: string,
  { seed }: GoalOptions,
): Promise<Finding> {
  const found = await firstFailure(by, program, seed);
  return { cells: [by, found === undefined ? notFound : "found"], found };
}

async function firstFailure(
  by: ClientMistake["by"],
  program: string,
  seed: number,
): Promise<string | undefined> {
  const random = seededRandom(seed);
  if (by === "clients that leave") {
    return (await watchLeaving({ program, random, calls })).failures[0];
  }
  const how = { program, random, clients, operations, killEvery: 25, stopsEarly: true };
  return (await runCrowd(how)).failures[0];
}

export const clientProof = proofOf({
  goals: ["G9", "G11"],
  name: "proof-clients",
  title: "Mistakes that were planted for G9 and G11",
  head: ["harness", "found"],
  mistakes,
  look,
});
