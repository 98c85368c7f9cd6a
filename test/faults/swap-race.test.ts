// SPDX-License-Identifier: Apache-2.0

/** A slice of goal G10. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { raceAll, raceCases } from "./swap-race.ts";

test("nothing leaves the container's root while its folders are swapped for symlinks", async () => {
  const results = await raceAll({ millisecondsEach: 2000 / raceCases.length });
  assert.deepEqual(
    results.flatMap(({ failures }) => failures),
    [],
  );
  for (const { name, tries, swaps } of results) assert.ok(tries > 0 && swaps > 0, name);
});
