// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLadeError } from "../../src/base/errors.ts";
import { limits } from "../../src/base/limits.ts";
import { parseJson } from "../../src/spec/document.ts";
import { refused, resultOrRefusal } from "./refused.ts";

function parse(text: string | Uint8Array): unknown {
  return parseJson(Buffer.from(text as string), "blob");
}

describe("parseJson", () => {
  it("reads JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        assert.deepEqual(parse(JSON.stringify(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("takes the last of equal keys", () => {
    assert.deepEqual(parse('{"a":1,"a":2}'), { a: 2 });
  });

  it("keeps __proto__ as a plain member", () => {
    const value = parse('{"__proto__":{"polluted":true}}');
    assert.ok(Object.hasOwn(value as object, "__proto__"));
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });

  it("replaces malformed UTF-8 and half surrogate pairs, as Go does", () => {
    assert.equal(parse(Buffer.from([0x22, 0xff, 0x61, 0x22])), "\ufffda");
    assert.equal(parse('"\\ud800"'), "\ufffd");
    assert.equal(parse('"\\udc00x"'), "\ufffdx");
    assert.equal(parse('"\\ud800\\ud83d\\ude00"'), "\ufffd😀");
    assert.equal(parse('"\\\\ud800"'), "\\ud800");
    assert.deepEqual(parse('{"\\uD800":"\\uD83D\\uDE00"}'), { "\ufffd": "😀" });
  });

  it("says what is wrong without quoting the document", () => {
    const cases: readonly (readonly [text: string, message: string])[] = [
      ["", "blob: not valid JSON: it is empty"],
      [" \n", "blob: not valid JSON: it is empty"],
      ["\ufeff{}", "blob: not valid JSON: it starts with a byte order mark"],
      ["{", "blob: not valid JSON at character 1"],
      ['{"a"', "blob: not valid JSON at character 4"],
      ["{} x", "blob: not valid JSON at character 3"],
      ["{}{}", "blob: not valid JSON at character 2"],
    ];
    for (const [text, message] of cases) {
      assert.equal(refused("DOCUMENT_INVALID", () => parse(text)).message, message);
    }
    for (const text of ["\x1b[31m", "{'a':1}", '{"a":\x1b}', "[1,]", "01", "NaN", '"\n"', "tru"]) {
      const error = refused("DOCUMENT_INVALID", () => parse(text));
      assert.match(error.message, /^blob: not valid JSON[ -~]*$/);
    }
  });

  it("stops at the size", () => {
    const error = refused("LIMIT_EXCEEDED", () => parseJson(new Uint8Array(11), "blob", 10));
    assert.equal(error.message, "blob: a document may have 10 bytes, this one has 11");
    refused("LIMIT_EXCEEDED", () => parseJson(new Uint8Array(limits.documentSize + 1), "blob"));
  });

  it("stops at the depth, long before the stack does", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    assert.ok(Array.isArray(parse(nested(limits.documentDepth))));
    const error = refused("LIMIT_EXCEEDED", () => parse(nested(limits.documentDepth + 1)));
    assert.equal(error.message, "blob: JSON may be nested 1000 levels deep, this is deeper");
    refused("LIMIT_EXCEEDED", () => parse("[".repeat(1_000_000)));
    refused("LIMIT_EXCEEDED", () => parse('{"a":'.repeat(500_000)));
    const inString = `"${'[{\\"'.repeat(5000)}"`;
    assert.equal(parse(inString), '[{"'.repeat(5000));
  });

  it("reads bytes or refuses them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const result = resultOrRefusal(() => parseJson(bytes, "blob"));
        if (isLadeError(result)) assert.equal(result.code, "DOCUMENT_INVALID");
      }),
      { numRuns: 500 },
    );
  });
});
