// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { runOrThrow } from "../helpers/tools.ts";

test("a layer of a million files takes little memory", async (t) => {
  const child = join(import.meta.dirname, "million-child.ts");
  const { stdout } = await runOrThrow(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    child,
  ]);
  const { size, memory } = JSON.parse(stdout) as { size: number; memory: number };
  t.diagnostic(`an image of ${size} bytes in ${memory} bytes of memory`);
  assert.ok(size < 160e6);
  // Node alone takes a fifth of it.
  assert.ok(memory < 400e6, `${memory} bytes`);
});
