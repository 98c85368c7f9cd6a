// SPDX-License-Identifier: Apache-2.0

/** Where careful readers differ, one of two ends is right: all of it, or a refusal by name. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isLadeError } from "../../src/base/errors.ts";
import { loadImages } from "../../src/engine/load.ts";
import { debatableArchives } from "../fixtures/debatable.ts";
import { openTestStore, storeState, verifyStore, writeFixture } from "../helpers/store.ts";
import { assertLoaded } from "./loaded.ts";

for (const { name, row, build, expected, wantCode } of debatableArchives) {
  test(`debatable: ${row} ${name}`, async () => {
    await using store = await openTestStore();
    const before = storeState(store);
    const path = writeFixture(store, "image.tar", build());
    try {
      const { images } = await loadImages(store.engine, { path });
      assertLoaded(store, images, expected());
    } catch (error) {
      assert.ok(isLadeError(error), String(error));
      assert.ok(wantCode.includes(error.code), `${error.code}: ${error.message}`);
      assert.deepEqual(storeState(store), before);
    }
    await verifyStore(store);
  });
}
