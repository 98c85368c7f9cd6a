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
  u: "été",
  h: `<a href="x">&'=</a>`,
};

const results: Rows = [
  // Logic.
  ["{{and .a .b}} {{and .a .e .b}}| {{and 1 2 3}}", "str | 3"],
  ['{{or .e .b}} {{or .e 0}} {{or 0 "" false}}', "str 0 false"],
  ["{{or .a (index .c 99)}} {{and .e (index .c 99)}}", "1 "],
  ["{{.a | and .b}} {{.a | or .e}} {{.a | and}}", "1 1 1"],
  ["{{not .a}} {{not .e}} {{not nil}} {{not .nope}}", "false true true true"],
  // Comparison.
  [
    "{{eq .a 1}} {{eq .a 2 3 1}} {{ne .a 1}} {{eq .b `str`}} {{eq true true}}",
    "true true false true true",
  ],
  ["{{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 2 2}}", "true true false true"],
  [
    "{{lt `a` `b`}} {{lt `\u{1f600}` `\uffee`}} {{lt 1.5 2.5}} {{le `a` `b`}}",
    "true false true true",
  ],
  ["{{eq .a nil}} {{eq .nope nil}} {{eq .d.n nil}} {{eq .c nil}}", "false true true false"],
  ["{{eq 'a' 97}} {{eq (index .b 0) 115}} {{lt (index .b 0) 200}}", "true true true"],
  // Collections.
  ["{{len .c}} {{len .b}} {{len .u}} {{len .d}}", "5 3 5 2"],
  [
    "{{index .c 0}} {{index .c 4 `k`}} {{index .d `x` `y`}} {{index .b 1}} {{index .c}}",
    "1 v z 116 [1 x <nil> 2.5 map[k:v]]",
  ],
  ["{{index .d `nope`}} {{index .c 2}}", "<no value> <no value>"],
  [
    "{{slice .b 1}} {{slice .b 1 2}} {{slice .b}} {{slice .c 1 2}} {{slice .c 1 2 3}}",
    "tr t str [x] [x]",
  ],
  // Text.
  ['{{print 1 2 "a" "b" 3 nil 4}}', "1 2ab3 <nil> 4"],
  ['{{println 1 "a" nil}}', "1 a <nil>\n"],
  ["{{html .h}}", "&lt;a href=&#34;x&#34;&gt;&amp;&#39;=&lt;/a&gt;"],
  ["{{js .h}}", '\\u003Ca href\\u003D\\"x\\"\\u003E\\u0026\\\'\\u003D\\u003C/a\\u003E'],
  ['{{js "\\x01\\\\é\\u2028"}}', "\\u0001\\\\é\\u2028"],
  ["{{urlquery .h}}", "%3Ca+href%3D%22x%22%3E%26%27%3D%3C%2Fa%3E"],
  ['{{urlquery "~!()*é-_."}}', "~%21%28%29%2A%C3%A9-_."],
  [
    "{{html .nope}} {{html 1 2 `x`}} {{html .c}}",
    "&lt;no value&gt; 1 2x [1 x &lt;nil&gt; 2.5 map[k:v]]",
  ],
];

const called = (node: string, name: string): string =>
  `template: :1:2: executing "" at <${node}>: error calling ${name}: `;

const failures: Rows = [
  ["{{eq .a .b}}", `${called("eq .a .b", "eq")}incompatible types for comparison`],
  ["{{eq 1 1.0}}", `${called("eq 1 1.0", "eq")}incompatible types for comparison`],
  ["{{eq 1}}", `${called("eq 1", "eq")}missing argument for comparison`],
  [
    "{{eq .c .c}}",
    `${called("eq .c .c", "eq")}non-comparable type [%!s(int=1) x <nil> %!s(float64=2.5) map[k:v]]: []interface {}`,
  ],
  [
    "{{eq .c .d}}",
    `${called("eq .c .d", "eq")}non-comparable types [%!s(int=1) x <nil> %!s(float64=2.5) map[k:v]]: []interface {}, map[string]interface {}: map[n:<nil> x:map[y:z]]`,
  ],
  ["{{lt true false}}", `${called("lt true false", "lt")}invalid type for comparison`],
  ["{{lt .c 1}}", `${called("lt .c 1", "lt")}invalid type for comparison`],
  ["{{len .a}}", `${called("len .a", "len")}len of type int`],
  [
    "{{len .nope}}",
    `${called("len .nope", "len")}reflect: call of reflect.Value.Type on zero Value`,
  ],
  ["{{len .d.n}}", `${called("len .d.n", "len")}len of nil pointer`],
  ["{{index .c 5}}", `${called("index .c 5", "index")}reflect: slice index out of range`],
  ["{{index .c 6}}", `${called("index .c 6", "index")}index out of range: 6`],
  ["{{index .c -1}}", `${called("index .c -1", "index")}index out of range: -1`],
  [
    "{{index .c `x`}}",
    `${called("index .c `x`", "index")}cannot index slice/array with type string`,
  ],
  ["{{index .d 1}}", `${called("index .d 1", "index")}value has type int; should be string`],
  ["{{index .d nil}}", `${called("index .d nil", "index")}value is nil; should be of type string`],
  ["{{index .a 1}}", `${called("index .a 1", "index")}can't index item of type int`],
  ["{{index .c 2 1}}", `${called("index .c 2 1", "index")}index of nil pointer`],
  ["{{index .nope 1}}", `${called("index .nope 1", "index")}index of untyped nil`],
  ["{{slice .b 2 1}}", `${called("slice .b 2 1", "slice")}invalid slice index: 2 > 1`],
  ["{{slice .b 0 1 2}}", `${called("slice .b 0 1 2", "slice")}cannot 3-index slice a string`],
  ["{{slice .a}}", `${called("slice .a", "slice")}can't slice item of type int`],
  [
    "{{slice .b .a}}",
    `${called("slice .b .a", "slice")}cannot index slice/array with type interface {}`,
  ],
  ["{{call .a}}", `${called("call .a", "call")}non-function .a of type int`],
  ["{{call nil}}", `${called("call nil", "call")}call of nil`],
];

describe("builtin functions", () => {
  for (const [template, wanted] of results) {
    test(JSON.stringify(template), () => {
      assert.equal(render(template, data), wanted);
    });
  }
  for (const [template, wanted] of failures) {
    test(`${JSON.stringify(template)} fails`, () => {
      assert.equal(executionFailure(template, data), wanted);
    });
  }
});
