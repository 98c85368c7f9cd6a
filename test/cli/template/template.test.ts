// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isLadeError } from "../../../src/base/errors.ts";
import { executeTemplate, parseTemplate } from "../../../src/cli/template/template.ts";
import { type GoValue, goStruct, goTyped } from "../../../src/cli/template/values.ts";

/** Pieces of templates: together they are sometimes one. */
const pieces = fc.constantFrom(
  ...'{{ }} {{- -}} . .A .B.C .L .nope $ $x $i, := = | ( ) , 1 -5 1.5 0x1f \'c\' "a" "%d%s" `r`'.split(
    " ",
  ),
  ..."if else end range with define template block break continue nil true /* */ ☃ é \\ \" ' `".split(
    " ",
  ),
  ..."and or not eq lt len index slice print printf html js urlquery json split join".split(" "),
  ..."title lower upper pad truncate call println".split(" "),
  " ",
  "\n",
  "{{if .A}}",
  "{{range .L}}",
  "{{with .B}}",
  '{{define "T"}}',
  '{{template "T" .}}',
  "{{else}}",
  "{{end}}",
);

const templates = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join("")),
  fc.array(pieces, { maxLength: 12 }).map((parts) => `{{${parts.join(" ")}}}`),
  fc.array(fc.array(pieces, { maxLength: 5 }), { maxLength: 8 }).map((actions) => {
    return actions.map((parts) => `{{${parts.join(" ")}}}`).join("");
  }),
);

const values = fc.letrec<{ value: GoValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<GoValue>(null, undefined, goTyped("[]string", null), goTyped("*main.T", null)),
    fc.boolean(),
    fc.integer(),
    fc.double(),
    fc.bigInt(),
    fc.string({ unit: "binary" }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom("A", "B", "C", "L", "__proto__"), tie("value")),
    fc.dictionary(fc.constantFrom("A", "B", "C", "L"), tie("value")).map((fields) => {
      return goStruct("*main.T", { ...fields, C: () => "method" });
    }),
  ),
})).value;

describe("any text", () => {
  test("gives text or an error of lade's", () => {
    fc.assert(
      fc.property(
        templates,
        values,
        fc.constantFrom("default", "error"),
        (text, data, missingKey) => {
          try {
            const output = executeTemplate(parseTemplate(text), data, { missingKey });
            assert.equal(output.isWellFormed(), true);
          } catch (error) {
            if (!isLadeError(error)) throw error;
            const isParse = error.code === "TEMPLATE_INVALID";
            const wanted = isParse
              ? /^template parsing error: template: :\d+: /
              : /^template: :\d+:\d+: executing "/;
            assert.match(error.message, wanted);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("prints text without actions as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        fc.pre(!text.includes("{{"));
        assert.equal(executeTemplate(parseTemplate(text), null), text);
      }),
    );
  });

  test("reads its own quoting and JSON's", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const quoted = executeTemplate(parseTemplate('{{printf "%q" .}}'), text);
        assert.equal(executeTemplate(parseTemplate(`{{${quoted}}}`), null), text);
        assert.equal(JSON.parse(executeTemplate(parseTemplate("{{json .}}"), text)), text);
      }),
    );
  });

  test("prints floating-point numbers that read back as the same", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const data = goTyped("float64", number);
        for (const verb of ["%v", "%g", "%.17g", "%.20e"]) {
          const text = executeTemplate(parseTemplate(`{{printf "${verb}" .}}`), data);
          assert.equal(Number(text), number, `${verb} ${text}`);
        }
      }),
    );
  });
});
