// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { detachScanner, parseDetachKeys } from "../../src/runtime/detach-keys.ts";

describe("parseDetachKeys", () => {
  it("knows Docker's default and its spelling", () => {
    for (const [text, codes] of [
      [undefined, [16, 17]],
      ["", [16, 17]],
      ["ctrl-p,ctrl-q", [16, 17]],
      ["ctrl-A,b", [1, 98]],
      ["ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", [0, 27, 28, 29, 30, 31]],
      ["DEL", [127]],
      ["a", [97]],
    ] as const) {
      assert.deepEqual([...parseDetachKeys(text)], [...codes], String(text));
    }
  });

  it("refuses what is no key", () => {
    for (const text of ["ctrl-", "ctrl-1", "ab", "a,", ",", "ä", "ctrl-p,ctrl-ä"]) {
      assert.throws(() => parseDetachKeys(text), {
        code: "CONTAINER_INVALID",
        message: `Invalid detach keys (${text}) provided`,
      });
    }
  });
});

describe("detachScanner", () => {
  it("passes on what is not the keys", () => {
    const scan = detachScanner(Uint8Array.of(16, 17));
    assert.deepEqual(scan(Buffer.from("a\u0010b")), {
      bytes: Uint8Array.from(Buffer.from("a\u0010b")),
      isDetach: false,
    });
    assert.deepEqual([...scan(Uint8Array.of(16)).bytes], []);
    assert.deepEqual([...scan(Uint8Array.of(16)).bytes], [16]);
    assert.deepEqual(scan(Uint8Array.of(17, 99)), { bytes: new Uint8Array(), isDetach: true });
  });

  it("finds the keys however the input is cut, and drops nothing before them", () => {
    const byte = fc.integer({ min: 1, max: 3 });
    const bytes = fc.array(byte, { maxLength: 40 });
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 7 }), (all, step) => {
        const keys = Uint8Array.of(1, 2);
        const scan = detachScanner(keys);
        const out: number[] = [];
        let isDetach = false;
        for (let at = 0; at < all.length && !isDetach; at += step) {
          const found = scan(Uint8Array.from(all.slice(at, at + step)));
          out.push(...found.bytes);
          isDetach = found.isDetach;
        }
        const place = all.findIndex((value, at) => value === 1 && all[at + 1] === 2);
        assert.equal(isDetach, place >= 0);
        const held = !isDetach && all.at(-1) === 1 ? 1 : 0;
        assert.deepEqual(out, place >= 0 ? all.slice(0, place) : all.slice(0, all.length - held));
      }),
    );
  });
});
