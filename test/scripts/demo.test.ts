// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { it } from "node:test";

it("the demo runs to its end", () => {
  const script = join(import.meta.dirname, "../../scripts/demo.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  assert.equal(stderr, "");
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^\$ lade import -c 'CMD \["\/hello"\]' rootfs\.tar hello-docker$/m);
  for (const name of ["hello-docker:1.0", "hello-docker:latest"]) {
    assert.match(stdout, new RegExp(`^Loaded image: ${name}$`, "m"));
  }
  assert.match(stdout, /^hello-docker +1\.0 +[0-9a-f]{12} /m);
});
