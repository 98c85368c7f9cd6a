// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { alignUp, bytesSource, readFully } from "../../src/base/bytes.ts";
import { failing, noise, piecewise, readAll } from "../helpers/bytes.ts";

describe("alignUp", () => {
  it("gives the next multiple, also past 2^32", () => {
    const cases = [
      [0, 512, 0],
      [1, 512, 512],
      [512, 512, 512],
      [513, 512, 1024],
      [2 ** 40 + 1, 4096, 2 ** 40 + 4096],
    ] as const;
    for (const [value, unit, want] of cases) assert.equal(alignUp(value, unit), want);
  });
});

describe("readFully", () => {
  it("fills its target, or ends with the source", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 500 }),
        fc.nat({ max: 500 }),
        fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 4 }),
        async (size, wanted, pieces) => {
          const bytes = noise(size);
          const source = piecewise(bytes, pieces);
          const target = Buffer.alloc(wanted);
          const count = await readFully(source, target);
          assert.equal(count, Math.min(size, wanted));
          assert.ok(target.subarray(0, count).equals(bytes.subarray(0, count)));
          assert.ok((await readAll(source)).equals(bytes.subarray(count)));
        },
      ),
      { numRuns: 50 },
    );
  });

  it("fails as the source fails", async () => {
    const source = failing(noise(10), new Error("broken"));
    await assert.rejects(readFully(source, Buffer.alloc(11)), /broken/);
  });
});

describe("bytesSource", () => {
  it("gives its bytes once", async () => {
    const source = bytesSource(noise(100));
    assert.ok((await readAll(source, 33)).equals(noise(100)));
    assert.equal(await source.read(Buffer.alloc(1)), 0);
  });
});
