// SPDX-License-Identifier: Apache-2.0

/** Mistakes that disturbed system calls must bring to light. */

import type { PointKind } from "./call-points.ts";
import { disturbInShares } from "./call-shares.ts";
import { type Finding, type Mistake, notFound, proofOf } from "./proof.ts";
import type { GoalOptions } from "./result.ts";

interface CallMistake extends Mistake {
  readonly kind: PointKind;
  /** A command that stumbles over it. */
  readonly command: string;
}

const lease = "src/content/lease.ts";

const mistakes: readonly CallMistake[] = [
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

async function look(
  { kind, command }: CallMistake,
  program: string,
  { seed }: GoalOptions,
): Promise<Finding> {
  const how = { program, kind, seed, commands: [command], stopsEarly: true };
  const [result] = await disturbInShares(how);
  const found = result?.failures[0];
  const last = found === undefined ? notFound : `found in ${result?.points} runs`;
  return { cells: [kind === "kill" ? "G3" : "G4", command, last], found };
}

export const callProof = proofOf({
  goals: ["G3", "G4"],
  name: "proof-calls",
  title: "Mistakes that were planted for G3 and G4",
  head: ["harness", "command", "found"],
  mistakes,
  look,
});
