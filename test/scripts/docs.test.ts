// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { renderDocuments } from "../../scripts/docs.ts";
import { errorTexts } from "../../scripts/error-texts.ts";
import { errorKinds } from "../../src/base/errors.ts";

const root = join(import.meta.dirname, "..", "..");

describe("generated documents", async () => {
  for (const [path, text] of await renderDocuments()) {
    it(`${path} is up to date`, () => {
      assert.equal(readFileSync(join(root, path), "utf8"), text, "run `npm run docs`");
    });
  }

  it("has one sentence for each error code, and none for others", () => {
    assert.deepEqual(Object.keys(errorTexts).sort(), Object.keys(errorKinds).sort());
    for (const [code, text] of Object.entries(errorTexts)) {
      assert.match(text, /^[A-Za-z].{15,120}\.$/, code);
    }
  });
});
