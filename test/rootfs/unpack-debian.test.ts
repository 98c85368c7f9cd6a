// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bootstrap } from "../../bench/image.ts";
import { mountRootfs, unmountRootfs } from "../../src/rootfs/rootfs.ts";
import { runOrThrow } from "../helpers/tools.ts";
import { treeFacts } from "../helpers/tree-facts.ts";
import { assertClean, drivers, openRootfsLab } from "./mount-lab.ts";
import { unpack } from "./overlay-lab.ts";

test("a whole distribution is the same, mounted, unpacked and by GNU tar, and runs", async (t) => {
  using lab = openRootfsLab();
  const path = join(lab.folder, "debian.tar");
  await bootstrap(path);
  const layer = lab.layer(fs.readFileSync(path));
  const folder = lab.makeFolder("gnu");
  await unpack(path, folder);
  const wanted = await treeFacts(folder);
  // The container's own folder is its root.
  delete wanted[""];
  assert.ok(Object.keys(wanted).length > 5000);
  for (const driver of drivers) {
    const start = performance.now();
    const root = mountRootfs(lab.run, lab.plan(driver, [layer], driver));
    t.diagnostic(`${driver}: ${(performance.now() - start).toFixed(0)} ms`);
    const found = await treeFacts(root);
    delete found[""];
    assert.deepEqual(found, wanted);
    const { stdout } = await runOrThrow("chroot", [
      root,
      "bash",
      "-c",
      "id -un && dpkg -l | wc -l",
    ]);
    assert.match(stdout, /^root\n\d{2,}\n$/);
    unmountRootfs(lab.run, driver);
  }
  assertClean(lab);
});
