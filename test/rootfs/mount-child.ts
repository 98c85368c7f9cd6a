// SPDX-License-Identifier: Apache-2.0

/**
 * One of many commands at once: mounts a container's root, looks at it, unmounts it.
 *
 * Arguments: a JSON file with the run root and the plan, each layer as its key, tar and image; how
 * often. Exits 1 where it does not see its own files, and only those.
 */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { mountRootfs, sweepMounts, unmountRootfs } from "../../src/rootfs/rootfs.ts";
import { runPaths } from "../../src/rootfs/run-paths.ts";
import type { ChildPlan } from "./mount-lab.ts";

const [file = "", rounds = "1"] = process.argv.slice(2);
const { runRoot, layers, expected, ...plan } = JSON.parse(
  fs.readFileSync(file, "utf8"),
) as ChildPlan;
const run = runPaths(runRoot);

for (let round = 0; round < Number(rounds); round++) {
  const root = mountRootfs(run, {
    ...plan,
    layers: layers.map(({ erofs, ...layer }) => ({
      ...layer,
      index: () => assert.fail("nothing is to be read again"),
      erofs: () => erofs,
    })),
  });
  assert.deepEqual(fs.readdirSync(root), expected);
  for (const name of expected) assert.equal(fs.readFileSync(join(root, name), "utf8"), name);
  unmountRootfs(run, plan.containerId);
}
// Others are in the middle of theirs, with their locks not held: the caller says who is alive.
sweepMounts(run, () => true);
