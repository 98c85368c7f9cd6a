// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compactRawJson, joinRawJson } from "../../src/spec/raw-json.ts";
import { refused } from "./refused.ts";

function compact(text: string): [string, string][] {
  return compactRawJson(Buffer.from(text), "json").map(([key, value]) => [
    key,
    Buffer.from(value).toString(),
  ]);
}

describe("compactRawJson", () => {
  it("keeps numbers and escapes as written, and drops spaces", () => {
    assert.deepEqual(
      compact(' { "b" : 1.50 , "a":\t[ 1e5 ,\n{ } ] ,"c": "x : , } \\" \\u0041" } \n'),
      [
        ["b", "1.50"],
        ["a", "[1e5,{}]"],
        ["c", '"x : , } \\" \\u0041"'],
      ],
    );
    assert.deepEqual(compact("{}"), []);
    assert.deepEqual(compact(" { } "), []);
    assert.deepEqual(compact('{"a":true ,"b":null\n}'), [
      ["a", "true"],
      ["b", "null"],
    ]);
  });

  it("escapes HTML and line separators in values", () => {
    assert.deepEqual(compact('{"a":"<&>\u2028\u2029é"}'), [
      ["a", '"\\u003c\\u0026\\u003e\\u2028\\u2029é"'],
    ]);
  });

  it("reads keys, and keeps the last of equal ones", () => {
    assert.deepEqual(compact('{"\\u0061":1,"a":2,"b":3}'), [
      ["a", "2"],
      ["b", "3"],
    ]);
  });

  it("keeps malformed UTF-8 in values", () => {
    const [member] = compactRawJson(Buffer.from('{"a":"\xff\xfe"}', "latin1"), "json");
    assert.deepEqual([...(member?.[1] ?? [])], [0x22, 0xff, 0xfe, 0x22]);
  });

  it("refuses what is no object", () => {
    for (const text of ["[]", "null", "1", '"x"']) {
      const error = refused("DOCUMENT_INVALID", () => compact(text));
      assert.equal(error.message, "json: expected a JSON object");
    }
    refused("DOCUMENT_INVALID", () => compact('{"a":}'));
  });

  it("comes together again, sorted and saying the same", () => {
    const spaces = fc.constantFrom("", " ", "\n\t", "  ");
    const object = fc.dictionary(
      fc.string({ unit: "binary" }),
      fc.jsonValue({ stringUnit: "binary" }),
    );
    fc.assert(
      fc.property(object, spaces, (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const joined = joinRawJson(compactRawJson(Buffer.from(text), "json"));
        assert.deepEqual(JSON.parse(joined.toString()), JSON.parse(text));
        assert.deepEqual(joinRawJson(compactRawJson(joined, "json")), joined);
        const plain = joinRawJson(compactRawJson(Buffer.from(JSON.stringify(value)), "json"));
        assert.deepEqual(plain, joined);
      }),
      { numRuns: 300 },
    );
  });
});
