// SPDX-License-Identifier: Apache-2.0

/** A slice of goals G3 and G4, and each moment at which they once found something. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { Disturbance } from "./call-bed.ts";
import type { Mutation } from "./call-kinds.ts";
import { disturbAll, type PointKind } from "./call-points.ts";
import { disturbInShares } from "./call-shares.ts";
import { commandCases } from "./command-cases.ts";
import { canTrace } from "./ptrace.ts";
import { copyLade } from "./source-copy.ts";

interface Find {
  readonly what: string;
  readonly command: string;
  readonly kind: PointKind;
  readonly only: (mutation: Mutation, plan: Disturbance) => boolean;
}

const at =
  (name: string, path: RegExp, error?: string) =>
  (mutation: Mutation, plan: Disturbance): boolean =>
    mutation.name === name &&
    path.test(mutation.path) &&
    (error === undefined || (plan.kind === "error" && plan.error === error));

const finds: readonly Find[] = [
  {
    what: "rows came back from the log after their files had been taken back",
    command: "load, plain",
    kind: "error",
    only: at("fsync", /lade\.db-wal$/, "ENOSPC"),
  },
  {
    what: "a lease that can't be removed made a load fail that was done",
    command: "load, plain",
    kind: "error",
    only: at("unlinkat", /\/ingest\//, "EIO"),
  },
  {
    what: "a database that can't be opened just now was told to belong to somebody else",
    command: "tag",
    kind: "error",
    only: at("openat", /lade\.db$/, "ENFILE"),
  },
  {
    what: "blobs stayed when a removal was killed before its sweep",
    command: "rmi",
    kind: "kill",
    only: at("unlink", /\/blobs\/sha256\//),
  },
  {
    what: "a file beside the output stayed",
    command: "save",
    kind: "kill",
    only: (mutation) => mutation.name !== "openat" && /\/out\//.test(mutation.path),
  },
  {
    what: "half an index stayed among the indexes",
    command: "system check --repair",
    kind: "kill",
    only: at("rename", /\/indexes\//),
  },
  {
    what: "an index that can't be written was a mistake in lade",
    command: "system check --repair",
    kind: "error",
    only: at("ftruncate", /staged/, "ENOSPC"),
  },
  {
    what: "a container came to be whose volumes were not filled",
    command: "create",
    kind: "kill",
    only: at("chmod", /\/volumes\/new\/_data/),
  },
  {
    what: "folders of volumes stayed that never came to be",
    command: "create",
    kind: "kill",
    only: (mutation) => mutation.name === "mkdir" && /volumes\/[^/]+\/_data$/.test(mutation.path),
  },
  {
    what: "a layer that can't be taken apart was a mistake in lade",
    command: "create",
    kind: "error",
    only: at("unlinkat", /\/init\//, "EIO"),
  },
  {
    what: "a volume was there still, and its files were gone",
    command: "volume rm",
    kind: "kill",
    only: (mutation, plan) => plan.index > 15 && /lade\.db-wal$/.test(mutation.path),
  },
  {
    what: "a probe of the kernel stayed",
    command: "run --rm",
    kind: "kill",
    only: at("mkdir", /\/probe\/work$/),
  },
  {
    what: "an exit code stayed of a container that was gone",
    command: "run --rm",
    kind: "kill",
    only: at("unlink", /run\/exits\//),
  },
];

const lade = canTrace ? await copyLade() : undefined;
after(() => lade?.[Symbol.dispose]());

// Registers have other names elsewhere.
describe("a system call", { skip: canTrace ? false : "needs Linux on x86-64" }, () => {
  const program = lade?.program ?? "";

  for (const { what, command: name, kind, only } of finds) {
    it(`once found: ${what}`, async () => {
      const command = commandCases.find((one) => one.name === name);
      if (command === undefined) throw new Error(`no command ${name}`);
      const result = await disturbAll({ program, command, kind, choice: { seed: 0, only } });
      assert.deepEqual(result.failures, []);
      assert.equal(result.points, 1, "the call is no longer made");
    });
  }

  for (const kind of ["kill", "error"] as const) {
    it(`${kind}: a few commands, at some of their calls`, async () => {
      // Always the same ones; all of them, and others, by `npm run test:faults -- G3 G4`.
      const seed = 4;
      const commands = ["load, from a pipe", "rmi", "volume rm", "commit"];
      const results = await disturbInShares({ program, kind, seed, commands, count: 6 });
      assert.deepEqual(
        results.flatMap(({ failures }) => failures),
        [],
        `seed ${seed}`,
      );
      for (const { command, points } of results) assert.ok(points > 0, command);
    });
  }
});
