// SPDX-License-Identifier: Apache-2.0

/** Unpacks the layers of a plan that lies in a JSON file: one of many processes at once. */

import * as fs from "node:fs";
import { ensureUnpacked } from "../../src/rootfs/unpack.ts";
import type { ChildPlan } from "./mount-lab.ts";
import { entriesOf } from "./overlay-lab.ts";

const plan = JSON.parse(fs.readFileSync(process.argv[2] ?? "", "utf8")) as ChildPlan;
for (const { erofs, ...layer } of plan.layers) {
  const index = () => entriesOf(fs.readFileSync(layer.tar.path));
  ensureUnpacked(plan.unpackedRoot, { ...layer, index, erofs: () => erofs });
}
