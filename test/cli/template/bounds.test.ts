// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bounds } from "../../../src/cli/template/bounds.ts";
import type { GoValue } from "../../../src/cli/template/values.ts";
import { executionFailure, parseFailure, render } from "./rendering.ts";

function nestedList(depth: number): GoValue {
  let data: GoValue = 1;
  for (let level = 0; level < depth; level++) data = [data];
  return data;
}

describe("bounds of a template", () => {
  const tooDeep = "template parsing error: template: :1: max expression depth exceeded";

  test("parentheses", () => {
    assert.equal(parseFailure(`{{${"(".repeat(100_000)}`), tooDeep);
    const most = bounds.nesting - 1;
    assert.equal(render(`{{${"(print ".repeat(most)}1${")".repeat(most)}}}`), "1");
  });

  test("blocks and chains of else if", () => {
    assert.equal(parseFailure("{{if 1}}".repeat(100_000)), tooDeep);
    assert.equal(parseFailure(`{{if 0}}${"{{else if 0}}".repeat(100_000)}{{end}}`), tooDeep);
    const most = bounds.nesting;
    assert.equal(render(`${"{{if 1}}".repeat(most)}x${"{{end}}".repeat(most)}`), "x");
  });

  test("templates that call themselves", () => {
    assert.match(
      executionFailure('{{define "a"}}{{template "a"}}{{end}}{{template "a"}}'),
      /at <\{\{template "a"\}\}>: exceeded maximum template depth \(400\)$/,
    );
  });

  test("all of them at once, on the stack that Node has", () => {
    const levels = Math.floor((bounds.executionDepth - 1) / 3);
    const templates = Array.from({ length: levels }, (_, index) => {
      const call = `{{template "t${index + 1}" $}}`;
      return `{{define "t${index}"}}{{range 1}}{{with $}}${call}{{end}}{{end}}{{end}}`;
    });
    const most = bounds.nesting - 2;
    const innermost = `{{${"(print ".repeat(most)}(json .)${")".repeat(most)}}}`;
    const text = `${templates.join("")}{{define "t${levels}"}}${innermost}{{end}}{{template "t0" .}}`;
    const depth = bounds.dataDepth - 1;
    assert.equal(render(text, nestedList(depth)), `${"[".repeat(depth)}1${"]".repeat(depth)}`);
  });

  test("loops over large numbers", () => {
    const wanted = /: execution of more than 1000000 steps$/;
    assert.match(executionFailure("{{range 9000000000000000000}}{{end}}"), wanted);
    assert.match(executionFailure("{{range 100000}}{{range 100000}}x{{end}}{{end}}"), wanted);
    const keys = Object.fromEntries(Array.from({ length: 1000 }, (_, key) => [`k${key}`, key]));
    assert.match(
      executionFailure("{{range 9999999}}{{range $}}{{break}}{{end}}{{end}}", keys),
      wanted,
    );
    assert.match(executionFailure("{{range 9999999}}{{if $}}{{end}}{{end}}", keys), wanted);
  });

  test("text that doubles", () => {
    const double = (call: string): string => `{{$x := "<'>"}}{{range 60}}{{$x = ${call}}}{{end}}`;
    const wanted = /text of more than 16777216 characters$|more than 1000000 steps$/;
    for (const call of ["print $x $x", "html $x $x", "js $x", 'printf "%q" $x', "json $x"]) {
      assert.match(executionFailure(double(call)), wanted, call);
    }
    assert.match(executionFailure(`{{pad "a" 9223372036854775807 1}}`), /more than 16777216/);
    assert.match(executionFailure('{{printf "%9999999d%9999999d" 1 1}}'), /more than 16777216/);
  });

  test("output", () => {
    const text =
      '{{$x := "aaaa"}}{{range 17}}{{$x = print $x $x}}{{end}}{{range 200}}{{$x}}{{end}}';
    assert.match(executionFailure(text), /output of more than 67108864 characters$/);
  });

  test("data within data", () => {
    const wanted = /data nested more than 200 levels deep$/;
    const data = nestedList(100_000);
    const loop: { self?: GoValue } = {};
    loop.self = loop as GoValue;
    for (const text of ["{{.}}", "{{json .}}", '{{join . ","}}', '{{printf "%v" .}}']) {
      assert.match(executionFailure(text, data), wanted, text);
      assert.match(executionFailure(text, loop), wanted, text);
    }
    assert.equal(render("{{.self.self.self.x}}", loop), "<no value>");
  });

  test("long numbers and names take no longer than their length", () => {
    const digits = "1".repeat(100_000);
    assert.match(parseFailure(`{{${digits}}}`), /illegal number syntax/);
    assert.match(parseFailure(`{{0x${digits}.1p}}`), /illegal number syntax/);
    assert.match(parseFailure(`{{1${"_1".repeat(50_000)}e}}`), /illegal number syntax/);
    assert.equal(render(`{{${".a".repeat(50_000)}}}`, {}), "<no value>");
    assert.equal(render("{{/* x */}}".repeat(50_000)), "");
  });
});
