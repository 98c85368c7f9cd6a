// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareGoStrings, formatGoJson, sortedKeys } from "../../src/spec/go-json.ts";
import { goQuote, quoteExcerpt } from "../../src/spec/go-quote.ts";

describe("formatGoJson", () => {
  it("escapes as encoding/json does", () => {
    assert.equal(
      formatGoJson('<a href="x">&\u2028\u2029'),
      '"\\u003ca href=\\"x\\"\\u003e\\u0026\\u2028\\u2029"',
    );
    assert.equal(formatGoJson("<&>\u2028", { escapeHtml: false }), '"<&>\\u2028"');
    assert.equal(
      formatGoJson("\b\f\n\r\t\x00\x1b\x7f\\"),
      '"\\b\\f\\n\\r\\t\\u0000\\u001b\x7f\\\\"',
    );
    assert.equal(formatGoJson("\\b\b\\\f", { controls: "long" }), '"\\\\b\\u0008\\\\\\u000c"');
    assert.equal(formatGoJson("\ud800x"), '"\ufffdx"');
  });

  it("writes numbers, big ones too", () => {
    assert.equal(
      formatGoJson([0, 1, -1, 1.5, 1e21, 1e-7, 5400000000000]),
      "[0,1,-1,1.5,1e+21,1e-7,5400000000000]",
    );
    assert.equal(formatGoJson(9223372036854775807n), "9223372036854775807");
    assert.throws(() => formatGoJson(Number.NaN), /JSON has no NaN/);
  });

  it("keeps the given order, and leaves undefined members out", () => {
    assert.equal(formatGoJson({ b: 1, a: undefined, c: null }), '{"b":1,"c":null}');
    assert.equal(
      formatGoJson(
        new Map([
          ["b", 1],
          ["a", 2],
        ]),
      ),
      '{"b":1,"a":2}',
    );
    assert.equal(formatGoJson(sortedKeys({ b: 1, a: 2, B: 3 })), '{"B":3,"a":2,"b":1}');
  });

  it("indents as MarshalIndent does", () => {
    const value = { a: [], b: {}, c: [1, { d: "x" }] };
    assert.equal(formatGoJson(value, { indent: "    " }), JSON.stringify(value, null, 4));
  });

  it("writes JSON that says the same", () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: "binary" }), fc.boolean(), (json, html) => {
        const value: unknown = JSON.parse(json);
        const text = formatGoJson(value as never, { escapeHtml: html });
        assert.deepEqual(JSON.parse(text), value);
        if (html) assert.doesNotMatch(text, /[<>&\u2028\u2029]/);
        const indented = formatGoJson(value as never, { indent: "  ", escapeHtml: false });
        assert.equal(
          indented.replaceAll("\\u2028", "\u2028").replaceAll("\\u2029", "\u2029"),
          JSON.stringify(value, null, 2)
            .replaceAll("\\u2028", "\u2028")
            .replaceAll("\\u2029", "\u2029"),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe("compareGoStrings", () => {
  it("orders by UTF-8 bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        const want = Buffer.compare(Buffer.from(a), Buffer.from(b));
        assert.equal(Math.sign(compareGoStrings(a, b)), want);
      }),
    );
    assert.ok(compareGoStrings("\u{1f600}", "\uffee") > 0);
    assert.ok(compareGoStrings("\u{1f600}", "\u{1f601}") < 0);
  });
});

describe("goQuote", () => {
  it("quotes as %q does", () => {
    assert.equal(goQuote('a"b\\c\n\t\x07\x1b'), '"a\\"b\\\\c\\n\\t\\a\\x1b"');
    assert.equal(goQuote("é日本☺"), '"é日本☺"');
    assert.equal(goQuote("\u00a0\u200b\u{e0020}\x7f"), '"\\u00a0\\u200b\\U000e0020\\x7f"');
  });

  it("cuts what is too long", () => {
    assert.equal(quoteExcerpt("x"), '"x"');
    assert.equal(quoteExcerpt("x".repeat(101)), `"${"x".repeat(100)}"…`);
  });
});
