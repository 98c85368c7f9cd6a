// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  decodePax,
  encodePaxRecord,
  type PaxTime,
  paxInteger,
  paxTime,
  paxXattrs,
} from "../../src/tar/pax.ts";
import { paxBody, paxRecord } from "../fixtures/tar-builder.ts";
import { assertRefused } from "./scan.ts";

const place = () => "layer 1: at byte 512";

function decode(body: string | Buffer): [string, string][] {
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
  return [...decodePax(bytes, place)];
}

/** Bytes as a string of one character each. */
const byteText = (more: { readonly minLength?: number; readonly maxLength?: number } = {}) =>
  fc.uint8Array({ maxLength: 200, ...more }).map((bytes) => Buffer.from(bytes).toString("latin1"));

describe("decodePax", () => {
  it("reads records, of which the last of a key counts", () => {
    assert.deepEqual(decode(""), []);
    assert.deepEqual(decode("5 a=\n"), [["a", ""]]);
    assert.deepEqual(decode("6 a=b\n6 a=c\n"), [["a", "c"]]);
    assert.deepEqual(decode("9 a=b=\nc\n"), [["a", "b=\nc"]]);
    assert.deepEqual(decode("008 a=b\n"), [["a", "b"]]);
    assert.deepEqual(decode("6 a=b\n\0\0\0"), [["a", "b"]]);
    assert.deepEqual(decode("11 path=\xff\xfe\n"), [["path", "\xff\xfe"]]);
  });

  it("joins the records that make a sparse map", () => {
    const records = [
      ...["GNU.sparse.offset", "0"],
      ...["GNU.sparse.numbytes", "1"],
      ...["GNU.sparse.offset", "8"],
      ...["GNU.sparse.numbytes", "2"],
    ];
    const body = Buffer.concat(
      [0, 2, 4, 6].map((at) => paxRecord(records[at] ?? "", records[at + 1] ?? "")),
    );
    assert.deepEqual(decode(body), [
      ["GNU.sparse.offset", "0,8"],
      ["GNU.sparse.numbytes", "1,2"],
    ]);
  });

  it("refuses what is no record", () => {
    const bodies: readonly (readonly [body: string, why: RegExp])[] = [
      ["0 path=x\n", /its length is wrong/],
      ["-9 path=x\n", /its length is wrong/],
      ["999 path=x\n", /its length is wrong/],
      ["9 path=xy\n", /its length is wrong/],
      [`${"9".repeat(400)} path=x\n`, /its length is wrong/],
      ["ab path=x\n", /its length is wrong/],
      [" path=x\n", /its length is wrong/],
      ["9 path=xy", /its length is wrong/],
      ["8path=x\n", /its length is wrong/],
      ["3 \n", /its length is wrong/],
      ["10", /its length is wrong/],
      ["7 path\n", /no '='/],
      ["7 path\n9 path=x\n", /no '='/],
      ["5 =x\n", /its key is empty/],
      ["8 pa\0=x\n", /key holds a NUL/],
      ["12 path=a\0b\n", /path holds a NUL/],
      ["6 a=b\n0 b=c\n", /record at byte 6: its length is wrong/],
    ];
    for (const [body, why] of bodies) assertRefused(() => decode(body), "TAR_FIELD", why);
  });

  it("keeps a NUL in the value of an xattr", () => {
    const value = "\x01\0\0\x02";
    assert.deepEqual(
      paxXattrs(decodePax(paxBody({ a: "1", "SCHILY.xattr.user.x": value }), place)),
      [["user.x", value]],
    );
  });

  it("reads what encodePaxRecord writes, at every length", () => {
    for (let size = 0; size < 1100; size++) {
      const value = "v".repeat(size);
      assert.deepEqual(decode(encodePaxRecord("k", value)), [["k", value]], `${size} bytes`);
    }
    const key = byteText({ minLength: 1, maxLength: 12 }).map((text) =>
      text.replaceAll(/[\0=]/g, "_"),
    );
    const value = byteText().map((text) => text.replaceAll("\0", "_"));
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name }), (all) => {
        const records = all.filter(([name]) => !name.startsWith("GNU.sparse."));
        const body = records.map(([name, text]) => encodePaxRecord(name, text)).join("");
        assert.deepEqual(decode(body), records);
        const others = records.map(([name, text]) => paxRecord(name, Buffer.from(text, "latin1")));
        // The other writer takes keys as UTF-8: only ASCII compares.
        // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII is meant
        if (records.every(([name]) => /^[\x00-\x7f]*$/.test(name))) {
          assert.equal(Buffer.concat(others).toString("latin1"), body);
        }
      }),
    );
  });

  it("answers any bytes with records or TAR_FIELD", () => {
    const almost = fc
      .array(fc.oneof(fc.constantFrom(..."0123456789 =\n\0ax".split("")), byteText()), {
        maxLength: 30,
      })
      .map((parts) => Buffer.from(parts.join(""), "latin1"));
    fc.assert(
      fc.property(almost, (body) => {
        try {
          decodePax(body, place);
        } catch (error) {
          assertRefused(() => {
            throw error;
          }, "TAR_FIELD");
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("paxInteger", () => {
  const read = (text: string) => paxInteger(new Map([["size", text]]), "size", place);

  it("reads whole numbers up to 2^53 - 1", () => {
    assert.equal(paxInteger(new Map(), "size", place), undefined);
    assert.equal(read(""), undefined);
    assert.equal(read("0"), 0);
    assert.equal(read("0007"), 7);
    assert.equal(read("9007199254740991"), Number.MAX_SAFE_INTEGER);
  });

  it("refuses the rest", () => {
    for (const text of [
      ...["9007199254740992", "9007199254740993", "99999999999999999999"],
      ...["-1", "+1", "1.0", "1e3", "0x10", " 1", "1 ", "1_000", "\u0661"],
    ]) {
      assertRefused(() => read(text), "TAR_FIELD", /size is/);
    }
  });
});

describe("paxTime", () => {
  const read = (text: string) => paxTime(new Map([["mtime", text]]), "mtime", place);

  it("rounds down to seconds and keeps nanoseconds", () => {
    const cases: readonly (readonly [text: string, want: PaxTime])[] = [
      ["0", { seconds: 0, nanoseconds: 0 }],
      ["-0", { seconds: 0, nanoseconds: 0 }],
      ["1.", { seconds: 1, nanoseconds: 0 }],
      ["1.5", { seconds: 1, nanoseconds: 500_000_000 }],
      ["1.000000001", { seconds: 1, nanoseconds: 1 }],
      ["1.0000000019", { seconds: 1, nanoseconds: 1 }],
      ["-1", { seconds: -1, nanoseconds: 0 }],
      ["-1.0", { seconds: -1, nanoseconds: 0 }],
      ["-0.25", { seconds: -1, nanoseconds: 750_000_000 }],
      ["-1.5", { seconds: -2, nanoseconds: 500_000_000 }],
      ["-1234.987654321", { seconds: -1235, nanoseconds: 12_345_679 }],
      ["999999999999999", { seconds: 999_999_999_999_999, nanoseconds: 0 }],
    ];
    for (const [text, want] of cases) assert.deepEqual(read(text), want, text);
    assert.equal(read(""), undefined);
    assert.equal(paxTime(new Map(), "mtime", place), undefined);
  });

  it("refuses what is no decimal number", () => {
    for (const text of ["yesterday", "1e9", "--1", "1.5.5", " 1", ".5", "1.-5", "1".repeat(16)]) {
      assertRefused(() => read(text), "TAR_FIELD", /mtime is/);
    }
  });
});
