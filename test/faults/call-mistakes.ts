// SPDX-License-Identifier: Apache-2.0

/** Mistakes that disturbed system calls must bring to light, and the proof that they do. */

import type { PointKind } from "./call-points.ts";
import { disturbInShares } from "./call-shares.ts";
import type { Mistake } from "./mistakes.ts";
import type { GoalOptions, GoalResult } from "./result.ts";
import { copyLade } from "./source-copy.ts";

interface CallMistake extends Mistake {
  readonly kind: PointKind;
  /** A command that stumbles over it. */
  readonly command: string;
}

const lease = "src/content/lease.ts";

export const callMistakes: readonly CallMistake[] = [
  {
    name: "what a killed command staged is not swept",
    kind: "kill",
    command: "load, plain",
    replacements: [
      {
        file: lease,
        find: "  for (const id of new Set(ids)) sweepLease(store, id);\n",
        replace: "",
      },
    ],
  },
  {
    name: "what a killed command put in place is not swept",
    kind: "kill",
    command: "import",
    replacements: [{ file: lease, find: "  removeUnrecorded(store, digests);\n}", replace: "}" }],
  },
  {
    name: "a removal that is killed before its sweep is not taken up again",
    kind: "kill",
    command: "rmi",
    replacements: [
      {
        file: "src/engine/remove.ts",
        find: "    if (deletion.blobs.length > 0) noteSweep(store);\n",
        replace: "",
      },
    ],
  },
  {
    name: "a container whose volumes are not filled yet counts as made",
    kind: "kill",
    command: "create",
    replacements: [
      {
        file: "src/engine/create.ts",
        find: "state: { ...createdState, makes: newVolumes }",
        replace: "state: createdState",
      },
    ],
  },
  {
    name: "a commit that failed at its sync stays in the log",
    kind: "error",
    command: "load, plain",
    replacements: [
      {
        file: "src/content/commit.ts",
        find: "    if (mayBeInLog(failure)) overwriteFailedCommit(store);\n",
        replace: "",
      },
    ],
  },
  {
    name: "a failed commit leaves its files in place",
    kind: "error",
    command: "import",
    replacements: [
      { file: "src/content/commit.ts", find: "    takeBack(store, input, error);\n", replace: "" },
    ],
  },
  {
    name: "an error while a document is stored is swallowed",
    kind: "error",
    command: "load, plain",
    replacements: [
      {
        file: "src/content/commit.ts",
        find: `    if (!isSystemError(error, "EEXIST")) throw ioError(error, \`store document \${digest}\`);\n`,
        replace: "",
      },
    ],
  },
  {
    name: "what a write left over is not written",
    kind: "error",
    command: "load, plain",
    replacements: [
      {
        file: "src/content/file-calls.ts",
        find: "  while (done < bytes.length) {\n    const part",
        replace: "  if (done < bytes.length) {\n    const part",
      },
    ],
  },
  {
    name: "a removal that fails is a mistake in lade",
    kind: "error",
    command: "create",
    replacements: [
      {
        file: "src/cli/error-text.ts",
        find: "    const told = machineError(error);\n",
        replace: "    const told = undefined;\n",
      },
    ],
  },
];

/** Fails for every mistake that goes unnoticed. */
export async function proveCalls(options: GoalOptions): Promise<GoalResult> {
  const started = performance.now();
  const rows: (string | number)[][] = [];
  const failures: string[] = [];
  for (const { name, kind, command, replacements } of callMistakes) {
    using lade = await copyLade(replacements);
    const how = { program: lade.program, kind, seed: options.seed, commands: [command] };
    const [result] = await disturbInShares({ ...how, stopsEarly: true });
    const [found] = result?.failures ?? [];
    options.log(`${name}: ${found ?? "not found"}`);
    const goal = kind === "kill" ? "G3" : "G4";
    rows.push([name, goal, command, found === undefined ? "–" : `found in ${result?.points} runs`]);
    if (found === undefined) failures.push(`not found: ${name}`);
  }
  return {
    goal: "proof-calls",
    title: "Mistakes that were planted, and how soon disturbed system calls found them",
    date: new Date().toISOString(),
    seed: options.seed,
    seconds: Math.round((performance.now() - started) / 1000),
    head: ["mistake", "harness", "command", "found"],
    rows,
    failures,
  };
}
