// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { peekable, rangeSource, streamSource } from "../../src/content/sources.ts";
import { type Scratch, scratch } from "../fixtures/outside-tools.ts";
import { noise, piecewise, readAll } from "../helpers/bytes.ts";

const bytes = noise(300_000);

let files: Scratch;
before(() => {
  files = scratch();
});
after(() => files.close());

describe("rangeSource", () => {
  it("gives a range of a file and nothing else", async () => {
    const fd = fs.openSync(files.write("bytes", bytes), "r");
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 310_000 }),
        fc.nat({ max: 310_000 }),
        fc.integer({ min: 1, max: 100_000 }),
        async (offset, size, pieceSize) => {
          const got = await readAll(rangeSource(fd, { offset, size }), pieceSize);
          assert.ok(got.equals(bytes.subarray(offset, offset + size)));
        },
      ),
    );
    fs.closeSync(fd);
  });
});

describe("streamSource", () => {
  it("gives what comes through a pipe, early and late", async () => {
    const path = files.path("pipe");
    const script = 'mkfifo "$1"; echo; exec >"$1"; printf early; sleep 0.1; printf late';
    const child = spawn("sh", ["-c", script, "sh", path], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const fd = fs.openSync(path, "r");
    assert.equal((await readAll(streamSource(fd))).toString(), "earlylate");
    fs.closeSync(fd);
  });
});

describe("peekable", () => {
  it("looks ahead without taking", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }),
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 80 })), { maxLength: 20 }),
        async (sizes, steps) => {
          const whole = bytes.subarray(0, 600);
          const source = peekable(piecewise(whole, sizes));
          let taken = 0;
          for (const [isPeek, size] of steps) {
            if (isPeek) {
              const seen = await source.peek(size);
              assert.ok(seen.equals(whole.subarray(taken, taken + size)));
            } else {
              const target = Buffer.alloc(size);
              const count = await source.read(target);
              assert.ok(target.subarray(0, count).equals(whole.subarray(taken, taken + count)));
              assert.ok(count > 0 || taken === whole.length);
              taken += count;
            }
          }
          assert.ok((await readAll(source)).equals(whole.subarray(taken)));
          assert.equal((await source.peek(1)).length, 0);
        },
      ),
      { numRuns: 50 },
    );
  });
});
