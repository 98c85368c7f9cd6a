// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printable, printableText } from "../../../src/cli/format/printable.ts";
import { listLayout, tabulate, tabulateColumns } from "../../../src/cli/format/tabulate.ts";
import { ellipsis, textWidth } from "../../../src/cli/format/width.ts";

test("columns are as wide as their widest cell and its padding, but at least ten", () => {
  assert.equal(tabulate("a\tb\tc\n", listLayout), "a         b         c\n");
  assert.equal(
    tabulate("12345678\tb\n1\tlonger\n", listLayout),
    "12345678   b\n1          longer\n",
  );
});

test("a line without a cell ends a column, as in Go", () => {
  assert.equal(
    tabulate("long-long-long\tb\nplain\nx\ty\n", listLayout),
    "long-long-long   b\nplain\nx         y\n",
  );
  assert.equal(
    tabulate("aaaaaaaaaaaa\tb\tc\nd\te\nf\tgggggggggggg\th\n", listLayout),
    "aaaaaaaaaaaa   b         c\nd              e\nf              gggggggggggg   h\n",
  );
});

test("whole columns are set as the same cells in a text", () => {
  const cell = fc.string({ unit: fc.constantFrom("a", "é", "名", "e\u0301", " "), maxLength: 20 });
  const columns = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }))
    .chain(([count, length]) => {
      const column = fc.array(cell, { minLength: length, maxLength: length });
      return fc.array(column, { minLength: count, maxLength: count });
    });
  fc.assert(
    fc.property(columns, (given) => {
      const [first = []] = given;
      const lines = first.map((_, line) => given.map((cells) => cells[line]).join("\t"));
      const text = lines.map((line) => `${line}\n`).join("");
      assert.equal(tabulateColumns(given, listLayout), tabulate(text, listLayout));
    }),
  );
  assert.equal(tabulateColumns([], listLayout), "");
});

test("wide characters take two columns, combining ones none", () => {
  assert.equal(textWidth("名前"), 4);
  assert.equal(textWidth("e\u0301"), 1);
  assert.equal(tabulate("名前名前名\tx\nab\ty\n", listLayout), "名前名前名   x\nab           y\n");
});

test("cutting keeps the width and marks the cut", () => {
  assert.equal(ellipsis("short", 5), "short");
  assert.equal(ellipsis("longer", 5), "long…");
  assert.equal(ellipsis("名前名前", 5), "名前…");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 2, max: 20 }), (text, width) => {
      const cut = ellipsis(text, width);
      assert.ok(textWidth(cut) <= width);
      if (textWidth(text) <= width) assert.equal(cut, text);
    }),
  );
});

test("nothing that drives a terminal is left", () => {
  assert.equal(printable("a\tb\n\u001b[0m\u007f\u2066"), "a\\tb\\n\\x1b[0m\\x7f\\u2066");
  assert.equal(printableText("a\tb\n\u001b"), "a\tb\n\\x1b");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.ok(!/[\p{Cc}\p{Bidi_Control}]/u.test(printable(text)));
      assert.ok(!/(?![\n\t])\p{Cc}/u.test(printableText(text)));
    }),
  );
});
