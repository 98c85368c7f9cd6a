// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseFailure, type Rows, render } from "./rendering.ts";

const prefix = "template parsing error: template: :";

const failures: Rows = [
  // Actions that do not end.
  ["{{", "1: unclosed action"],
  ["{{.ID", "1: unclosed action"],
  ["{{.", '1: illegal number syntax: "."'],
  ["{{/* note", "1: unclosed comment"],
  ["{{/* note */ x}}", "1: comment ends before closing delimiter"],
  ['{{"text}}', "1: unterminated quoted string"],
  ['{{"text\n"}}', "1: unterminated quoted string"],
  ["{{`text}}", "1: unterminated raw quoted string"],
  ["{{'a}}", "1: unterminated character constant"],
  ["{{.ID\n\n", "3: unclosed action started at :1"],
  ["{{.ID\n☃}}", "2: unrecognized character in action: U+2603 '☃' in action started at :1"],
  ["a\n{{if .X}}\nb\n{{.Y", "4: unclosed action"],
  // Words and characters.
  ["{{.ID}x}}", "1: bad character U+007D '}'"],
  ["{{.ID }x}}", '1: unexpected "}" in operand'],
  ["{{.ID-1}}", "1: bad character U+002D '-'"],
  ["{{☃}}", "1: unrecognized character in action: U+2603 '☃'"],
  ["{{#}}", '1: unexpected "#" in command'],
  ["{{.ID ?}}", '1: unexpected "?" in operand'],
  ["{{foo}}", '1: function "foo" not defined'],
  ["{{.ID | foo}}", '1: function "foo" not defined'],
  ["{{$x}}", '1: undefined variable "$x"'],
  ["{{.ID.}}", "1: unexpected <.> in operand"],
  ["{{..}}", "1: unexpected <.> in operand"],
  ['{{"a".ID}}', '1: unexpected . after term "\\"a\\""'],
  ["{{nil.ID}}", '1: unexpected . after term "nil"'],
  ["{{a_very_long_name := 1}}", '1: function "a_very_long_name" not defined'],
  ["{{template .Something_long}}", '1: unexpected ".Something"... in template clause'],
  // Pipelines and parentheses.
  ["{{}}", "1: missing value for command"],
  ["{{ }}", "1: missing value for command"],
  ["{{|}}", '1: unexpected "|" in command'],
  ["{{.A | 5}}", "1: non executable command in pipeline stage 2"],
  ["{{.A | print | .}}", "1: non executable command in pipeline stage 3"],
  ["{{(.A}}", "1: unclosed left paren"],
  ["{{.A)}}", "1: unexpected right paren"],
  ["{{()}}", "1: missing value for parenthesized pipeline"],
  ["{{.A, .B}}", '1: unexpected "," in operand'],
  // Variables.
  ["{{:}}", "1: expected :="],
  ["{{$x := }}", "1: missing value for command"],
  ["{{$x, $y := 1}}", "1: too many declarations in command"],
  ["{{range $x, $y, $z := .A}}{{end}}", "1: too many declarations in range"],
  ["{{range $x, 5 := .A}}{{end}}", "1: range can only initialize variables"],
  ["{{if true}}{{$x := 1}}{{end}}{{$x}}", '1: undefined variable "$x"'],
  ['{{$x := 1}}{{define "t"}}{{$x}}{{end}}', '1: undefined variable "$x"'],
  // Blocks.
  ["{{end}}", "1: unexpected {{end}}"],
  ["{{else}}", "1: unexpected {{else}}"],
  ["{{if .A}}x", "1: unexpected EOF"],
  ["{{if}}x{{end}}", "1: missing value for if"],
  ["{{range}}x{{end}}", "1: missing value for range"],
  ["{{with}}x{{end}}", "1: missing value for with"],
  ["{{if .A}}{{else}}{{else}}{{end}}", "1: expected end; found {{else}}"],
  ["{{range .A}}{{else if .B}}{{end}}", "1: unexpected <if> in input"],
  ["{{with .A}}{{else if .B}}{{end}}", "1: unexpected <if> in input"],
  ["{{end .A}}", '1: unexpected ".A" in end'],
  ["{{break}}", "1: {{break}} outside {{range}}"],
  ["{{if .A}}{{continue}}{{end}}", "1: {{continue}} outside {{range}}"],
  ["{{range .A}}{{break 1}}{{end}}", '1: unexpected "1" in {{break}}'],
  ['{{range .A}}{{define "x"}}{{end}}{{end}}', "1: unexpected <define> in command"],
  ["{{template}}", '1: unexpected "}}" in template clause'],
  ["{{define 5}}{{end}}", '1: unexpected "5" in define clause'],
  ['{{define "x"}}\n{{else}}{{end}}', "2: unexpected {{else}} in define clause"],
  ['{{block "x" .}}\n{{else}}{{end}}', "1: unexpected {{else}} in block clause"],
  ['{{block "x"}}{{end}}', "1: missing value for block clause"],
  [
    '{{define "a"}}1{{end}}\n{{define "a"}}2{{end}}',
    '2: template: multiple definition of template "a"',
  ],
  // Literals.
  ["{{1a}}", '1: bad number syntax: "1a"'],
  ["{{1+2}}", '1: bad number syntax: "1+2"'],
  ["{{- -}}", '1: illegal number syntax: "-"'],
  ["{{0x}}", '1: illegal number syntax: "0x"'],
  ["{{1__0}}", '1: illegal number syntax: "1__0"'],
  ["{{089}}", '1: integer overflow: "089"'],
  ["{{18446744073709551616}}", '1: integer overflow: "18446744073709551616"'],
  ["{{1e999}}", '1: illegal number syntax: "1e999"'],
  ["{{1i}}", '1: complex numbers are not supported: "1i"'],
  ["{{'ab'}}", "1: malformed character constant: 'ab'"],
  ["{{''}}", "1: invalid syntax"],
  ['{{"\\z"}}', "1: invalid syntax"],
  ['{{"\\400"}}', "1: invalid syntax"],
  ['{{"\\ud800"}}', "1: invalid syntax"],
];

const literals: Rows = [
  ["{{1}} {{-1}} {{+1}} {{1_000}}", "1 -1 1 1000"],
  ["{{0x1F}} {{0b101}} {{0o17}} {{017}} {{0x_1}}", "31 5 15 15 1"],
  ["{{9223372036854775807}} {{-9223372036854775808}}", "9223372036854775807 -9223372036854775808"],
  ["{{1.5}} {{.5}} {{1.0}} {{1e3}} {{1e6}} {{0x1p4}} {{1_0.5}}", "1.5 0.5 1 1000 1e+06 16 10.5"],
  ["{{'a'}} {{'\\n'}} {{'\\x41'}} {{'é'}} {{'☃'}}", "97 10 65 233 9731"],
  ["{{true}} {{false}}", "true false"],
  ['{{"a\\tb\\\\\\"\\x41\\101\\u00e9\\U0001F600"}}', 'a\tb\\"AAé😀'],
  ['{{"\\xe2\\x82\\xac"}}', "€"],
  ['{{`a\\n"b"`}}', 'a\\n"b"'],
];

const spaces: Rows = [
  ["", ""],
  ["plain } }} text", "plain } }} text"],
  ["{{1}}}}", "1}}"],
  ["a {{- 1 -}} b", "a1b"],
  ["a \n\t{{-\n1\n-}}\n b", "a1b"],
  ["a {{1 -}} {{- 2}} b", "a 12 b"],
  ["{{-3}} {{- 3}}", "-33"],
  ["a{{/* note }} */}}b", "ab"],
  ["a {{- /* note */ -}} b", "ab"],
  ["{{\n1\n|\nprint\n}}", "1"],
];

describe("parseTemplate", () => {
  for (const [template, wanted] of failures) {
    test(`refuses ${JSON.stringify(template)}`, () => {
      assert.equal(parseFailure(template), prefix + wanted);
    });
  }
  for (const [template, wanted] of literals) {
    test(`reads the literals ${JSON.stringify(template)}`, () => {
      assert.equal(render(template), wanted);
    });
  }
  for (const [template, wanted] of spaces) {
    test(`keeps and trims space in ${JSON.stringify(template)}`, () => {
      assert.equal(render(template), wanted);
    });
  }
  test("reports what comes first, not what the lexer meets later", () => {
    assert.equal(parseFailure("{{end}}{{"), `${prefix}1: unexpected {{end}}`);
  });
});
