// SPDX-License-Identifier: Apache-2.0

/** What must be refused is refused by name, and the store is as before. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isLadeError } from "../../src/base/errors.ts";
import { loadImages } from "../../src/engine/load.ts";
import { hostileArchives } from "../fixtures/hostile.ts";
import { openTestStore, storeState, verifyStore, writeFixture } from "../helpers/store.ts";

for (const hostile of hostileArchives) {
  test(`refused: ${hostile.row} ${hostile.name}`, async () => {
    await using store = await openTestStore();
    const before = storeState(store);
    const path = writeFixture(store, "image.tar", hostile.build());
    await assert.rejects(
      () => loadImages(store.engine, { path }),
      (error: unknown) => {
        assert.ok(isLadeError(error), String(error));
        if (hostile.wantCode !== undefined) {
          assert.ok(hostile.wantCode.includes(error.code), `${error.code}: ${error.message}`);
        }
        if (hostile.wantText !== undefined) assert.match(error.message, hostile.wantText);
        return true;
      },
    );
    assert.deepEqual(storeState(store), before);
    await verifyStore(store);
  });
}
