// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../helpers/tools.ts";

const script = join(import.meta.dirname, "../../scripts/faults.ts");

/** A small part of a goal, as `npm run test:faults` runs it; the page of figures stays as it is. */
export async function runGoal(name: string, count: number): Promise<void> {
  const args = [...process.execArgv, script, name, "--count", String(count), "--dry"];
  const { code, stdout, stderr } = await run(process.execPath, args, { timeoutMs: 400_000 });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /^seed \d+$/m);
}
