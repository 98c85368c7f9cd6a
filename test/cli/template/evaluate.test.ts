// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { executionFailure, type Rows, render } from "./rendering.ts";

const data = {
  a: 1,
  b: "str",
  c: [1, "x", null, 2.5, { k: "v" }],
  d: { x: { y: "z" }, n: null },
  e: "",
  f: 0,
  t: true,
  u: "été日本",
  em: [],
};

const statements: Rows = [
  // Fields.
  ["{{.a}} {{.b}} {{.c}} {{.d}}", "1 str [1 x <nil> 2.5 map[k:v]] map[n:<nil> x:map[y:z]]"],
  ["{{.d.x.y}} {{.nope}} {{.nope.deeper}} {{.d.n}}", "z <no value> <no value> <no value>"],
  ["{{$.b}} {{($).b}} {{(.d).x.y}} {{(index .c 4).k}} {{(.d.n).x}}", "str str z v <no value>"],
  ["{{.constructor}} {{.__proto__}} {{.toString}}", "<no value> <no value> <no value>"],
  // Variables.
  ["{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}", "12"],
  ["{{$x := 1}}{{if true}}{{$x = 2}}{{$x := 3}}{{$x}}{{end}}{{$x}}", "32"],
  ["{{$x := .d}}{{$x.x.y}}", "z"],
  ["{{with $x := .b}}{{$x}}{{end}}", "str"],
  // Branches.
  ["{{if .e}}1{{else if .f}}2{{else if .t}}3{{else}}4{{end}}", "3"],
  ["{{if .em}}1{{else}}2{{end}}{{if .d}}3{{end}}{{if .nope}}4{{end}}{{if .d.n}}5{{end}}", "23"],
  ["{{with .d}}{{.x}}{{end}}{{with .e}}x{{else}}{{.b}}{{end}}", "map[y:z]str"],
  ["{{with .e}}1{{else with .b}}2{{.}}{{else}}3{{end}}", "2str"],
  // Loops.
  ["{{range .c}}[{{.}}]{{end}}", "[1][x][<no value>][2.5][map[k:v]]"],
  ["{{range $i, $e := .c}}{{if $i}}, {{end}}{{$e}}{{end}}", "1, x, <no value>, 2.5, map[k:v]"],
  ["{{range $k, $v := .d}}{{$k}}={{$v}};{{end}}", "n=<no value>;x=map[y:z];"],
  ["{{range $e := .d}}{{$e}};{{end}}", "<no value>;map[y:z];"],
  ["{{range .em}}1{{else}}2{{end}}{{range .nope}}3{{else}}4{{end}}", "24"],
  [
    "{{range 3}}{{.}}{{end}} {{range $n := 2}}{{$n}}{{end}} {{range 0}}1{{else}}2{{end}}",
    "012 01 2",
  ],
  ["{{range 5}}{{if eq . 1}}{{continue}}{{end}}{{if eq . 3}}{{break}}{{end}}{{.}}{{end}}", "02"],
  ["{{range 2}}{{range 3}}{{if .}}{{break}}{{end}}{{.}}{{end}}|{{end}}", "0|0|"],
  ["{{$n := 0}}{{range $n = .c}}{{end}}{{$n.k}}", "v"],
  ["{{range .c}}{{$.b}}{{end}}", "strstrstrstrstr"],
  // Templates within templates.
  [
    '{{define "t"}}<{{.}}{{$}}>{{end}}{{template "t" .a}}{{template "t"}}',
    "<11><<no value><no value>>",
  ],
  ['{{block "t" .b}}[{{.}}]{{end}}{{template "t" 5}}', "[str][5]"],
  ['{{define "t"}} {{end}}{{define "t"}}2{{end}}{{template "t"}}', "2"],
  [
    '{{define "n"}}{{if .}}{{len .}}{{template "n" (slice . 1)}}{{end}}{{end}}{{template "n" .b}}',
    "321",
  ],
  // Pipelines.
  ['{{.b | printf "%s-%s" "x" | upper | len}}', "5"],
  ['{{"A" | lower | printf "%q"}}', '"a"'],
  ["{{(print 1 2) | len}} {{((.a))}}", "3 1"],
];

const at = (place: string, node: string): string =>
  `template: :${place}: executing "" at <${node}>: `;

const failures: Rows = [
  ["{{.b.x}}", `${at("1:4", ".b.x")}can't evaluate field x in type interface {}`],
  ["{{(.b).x}}", `${at("1:3", ".b")}can't evaluate field x in type string`],
  ["{{with .b}}{{.x}}{{end}}", `${at("1:13", ".x")}can't evaluate field x in type string`],
  ["{{range .c}}{{.x}}{{end}}", `${at("1:14", ".x")}can't evaluate field x in type interface {}`],
  ["{{.d.n.x}}", `${at("1:4", ".d.n.x")}nil pointer evaluating interface {}.x`],
  ["a\n☃ {{.b.x}}", `${at("2:8", ".b.x")}can't evaluate field x in type interface {}`],
  ["{{.a 5}}", `${at("1:2", ".a")}a is not a method but has arguments`],
  ["{{5 6}}", `${at("1:2", "5")}can't give argument to non-function 5`],
  ["{{1 | (print)}}", `${at("1:2", "1")}can't give argument to non-function print`],
  ["{{nil}}", `${at("1:2", "nil")}nil is not a command`],
  ["{{$x = 1}}", `${at("1:7", "1")}undefined variable: $x`],
  ["{{range .b}}{{end}}", `${at("1:8", ".b")}range can't iterate over str`],
  [
    "{{range $i, $e := 3}}{{end}}",
    `${at("1:18", "3")}can't use 3 to iterate over more than one variable`,
  ],
  ['{{template "t"}}', `${at("1:11", '{{template "t"}}')}template "t" not defined`],
  [
    "{{9223372036854775808}}",
    `${at("1:2", "9223372036854775808")}9223372036854775808 overflows int`,
  ],
  ["{{lower .a}}", `${at("1:8", ".a")}wrong type for value; expected string; got int`],
  ["{{lower .nope}}", `${at("1:8", ".nope")}invalid value; expected string`],
  ["{{lower 5}}", `${at("1:8", "5")}expected string; found 5`],
  ["{{lower nil}}", `${at("1:8", "nil")}cannot assign nil to string`],
  ['{{truncate .b "x"}}', `${at("1:14", '"x"')}expected integer; found "x"`],
  ["{{lower}}", `${at("1:2", "lower")}wrong number of args for lower: want 1 got 0`],
  ["{{.a | lower .b}}", `${at("1:7", "lower")}wrong number of args for lower: want 1 got 2`],
  ["{{and}}", `${at("1:2", "and")}wrong number of args for and: want at least 1 got 0`],
  [
    "{{if (index .c 9)}}{{end}}",
    `${at("1:6", "index .c 9")}error calling index: index out of range: 9`,
  ],
];

describe("executeTemplate", () => {
  for (const [template, wanted] of statements) {
    test(`runs ${JSON.stringify(template)}`, () => {
      assert.equal(render(template, data), wanted);
    });
  }
  for (const [template, wanted] of failures) {
    test(`stops at ${JSON.stringify(template)}`, () => {
      assert.equal(executionFailure(template, data), wanted);
    });
  }

  test("names the template that fails", () => {
    assert.equal(
      executionFailure('{{define "t"}}{{.x.y.z}}{{end}}{{template "t" .d}}', data),
      'template: :1:18: executing "t" at <.x.y.z>: can\'t evaluate field z in type interface {}',
    );
  });

  test("takes data that is no map", () => {
    assert.equal(render("{{.}} {{.x}} {{json .}}", null), "<no value> <no value> null");
    assert.equal(render("{{.}} {{len .}}", [1, "a"]), "[1 a] 2");
    assert.equal(render("{{.}}", "text"), "text");
  });

  test("sorts keys by their UTF-8 bytes", () => {
    const names = { "\u{1f600}": 1, "\uffee": 2, b: 3, B: 4 };
    assert.equal(render("{{range $k, $v := .}}{{$v}}{{end}}", names), "4321");
  });

  test("tells missing keys where it is asked to", () => {
    const strict = { missingKey: "error" } as const;
    assert.equal(
      executionFailure("{{.nope}}", data, strict),
      `${at("1:2", ".nope")}map has no entry for key "nope"`,
    );
    assert.equal(
      executionFailure("{{(.d.n).x}}", data, strict),
      `${at("1:5", ".d.n")}nil data; no entry for key "x"`,
    );
    assert.equal(render("{{.d.n}}", data, strict), "<no value>");
  });

  test("runs one template for many values", () => {
    assert.deepEqual(
      [{ a: 1 }, { a: 2 }].map((item) => render("{{.a}}", item)),
      ["1", "2"],
    );
  });
});
