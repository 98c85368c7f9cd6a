// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { goStruct, goTyped } from "../../../src/cli/template/values.ts";
import { executionFailure, type Rows, render } from "./rendering.ts";

const data = {
  a: 1,
  b: "str",
  c: [1, "x", null, 2.5],
  d: { y: "z", x: "b" },
  u: "été日本",
};

const results: Rows = [
  [
    '{{json "<a&b>\\u2028\\x01\\x7f\\b\\f\\n\\t\\"\\\\é"}}',
    '"<a&b>\\u2028\\u0001\x7f\\b\\f\\n\\t\\"\\\\é"',
  ],
  ["{{json .}}", '{"a":1,"b":"str","c":[1,"x",null,2.5],"d":{"x":"b","y":"z"},"u":"été日本"}'],
  [
    "{{json 1.5}} {{json 1e20}} {{json 1e21}} {{json 1e-7}} {{json 2.0}}",
    "1.5 100000000000000000000 1e+21 1e-7 2",
  ],
  ["{{json true}} {{json nil}} {{json .nope}} {{.c | json}}", 'true null null [1,"x",null,2.5]'],
  ['{{split "a,b,c" ","}} {{index (split "a,b" ",") 1}} {{len (split "" ",")}}', "[a b c] b 1"],
  ['{{split "aé日" ""}} {{len (split "" "")}}', "[a é 日] 0"],
  ['{{join .c ","}} {{join .d ","}} {{join (split "a,b" ",") "-"}}', "1,x,<nil>,2.5 b,z a-b"],
  ['{{join .nope ","}}|{{join nil ","}}|', "||"],
  ['{{title "hello wORLD_foo-bar éa don\'t"}}', "Hello WORLD_foo-Bar Éa Don'T"],
  ['{{lower "ABÉßΣ İ"}} {{upper "abéßŉ"}}', "abéßσ i ABÉßŉ"],
  ['{{pad "a" 2 3}}|{{pad "" 2 3}}|{{pad "a" 1.0 0}}|', "  a   || a|"],
  [
    '{{truncate "abcdef" 3}} {{truncate "ab" 5}} {{truncate "ab" 2}} {{truncate "ab" 0}}|',
    "abc ab ab |",
  ],
  ["{{truncate .u 3}} {{truncate .u 2}}", "ét é"],
  ['{{truncate "日本" 4}} {{slice .u 0 1}}', "日\ufffd \ufffd"],
];

const called = (node: string, name: string): string =>
  `template: :1:2: executing "" at <${node}>: error calling ${name}: `;

const failures: Rows = [
  ['{{join .a ","}}', `${called('join .a ","', "join")}expected slice, got int`],
  ['{{pad "a" -1 2}}', `${called('pad "a" -1 2', "pad")}strings: negative Repeat count`],
  [
    '{{truncate "abc" -1}}',
    `${called('truncate "abc" -1', "truncate")}runtime error: slice bounds out of range [:-1]`,
  ],
  [
    "{{json (index .inf 0)}}",
    `${called("json (index .inf 0)", "json")}json: unsupported value: +Inf`,
  ],
  ["{{json .number}}", `${called("json .number", "json")}json: invalid number literal "1x"`],
];

describe("Docker's functions", () => {
  for (const [template, wanted] of results) {
    test(template, () => {
      assert.equal(render(template, data), wanted);
    });
  }
  for (const [template, wanted] of failures) {
    test(`${template} fails`, () => {
      const bad = {
        ...data,
        inf: [Number.POSITIVE_INFINITY],
        number: goTyped("json.Number", "1x"),
      };
      assert.equal(executionFailure(template, bad), wanted);
    });
  }

  test("json keeps the order of a struct's fields and takes its own form", () => {
    const plain = goStruct("main.T", { Z: 1, A: "x", M: () => true, hidden: 2 });
    assert.equal(render("{{json .}}", plain), '{"Z":1,"A":"x","M":true}');
    const renamed = goStruct(
      "main.T",
      { ID: "x" },
      { json: () => goStruct("", { Id: "x", B: 1 }) },
    );
    assert.equal(
      render("{{json .}} {{json (index .l 0)}}", { l: [renamed] }),
      '{"l":[{"Id":"x","B":1}]} {"Id":"x","B":1}',
    );
  });

  test("json tells nil slices and maps from empty ones", () => {
    const nils = {
      list: goTyped("[]string", null),
      map: goTyped("map[string]string", null),
      emptyList: [],
      emptyMap: {},
      size: 2n ** 64n - 1n,
      number: goTyped("json.Number", "1.50"),
    };
    assert.equal(
      render("{{json .}}", nils),
      '{"emptyList":[],"emptyMap":{},"list":null,"map":null,"number":1.50,"size":18446744073709551615}',
    );
  });

  test("in a table's header the functions keep the columns' names", () => {
    const header = { ID: "IMAGE ID", Names: "NAMES" };
    assert.equal(
      render(
        '{{json .ID}}|{{split .ID " "}}|{{join .Names ","}}|{{lower .ID}}|{{truncate .ID 2}}|{{pad .ID 1 1}}|',
        header,
        { functions: "header" },
      ),
      "IMAGE ID|IMAGE ID|NAMES|IMAGE ID|IMAGE ID| IMAGE ID |",
    );
  });
});
