// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { goStruct, goTyped } from "../../../src/cli/template/values.ts";
import { executionFailure, render } from "./rendering.ts";

const image = goStruct("*formatter.imageContext", {
  ID: () => "abc",
  Size: 5,
  Labels: goTyped("map[string]string", { b: "2", a: "1" }),
  Nothing: goTyped("[]string", null),
  Health: null,
  trunc: true,
});

const at = (place: string, node: string): string =>
  `template: :${place}: executing "" at <${node}>: `;

describe("goStruct", () => {
  test("prints as Go prints structs", () => {
    assert.equal(render("{{.}}", image), "{abc 5 map[a:1 b:2] [] <nil> true}");
    assert.equal(render("{{print .}}", image), "&{abc 5 map[a:1 b:2] [] <nil> true}");
  });

  test("has fields and methods", () => {
    assert.equal(render("{{.ID}} {{.Size}} {{.ID | upper}} {{.Health}}", image), "abc 5 ABC <nil>");
  });

  test("calls only the methods that the template names", () => {
    const calls: string[] = [];
    const record = (name: string) => (): string => {
      calls.push(name);
      return name;
    };
    const lazy = goStruct("*main.T", { A: record("A"), B: record("B") });
    assert.equal(render("{{.A}}{{if false}}{{.B}}{{end}}", lazy), "A");
    assert.deepEqual(calls, ["A"]);
  });

  test("tells what it has not", () => {
    assert.equal(
      executionFailure("{{.Foo}}", image),
      `${at("1:2", ".Foo")}can't evaluate field Foo in type *formatter.imageContext`,
    );
    assert.equal(
      executionFailure("{{.trunc}}", image),
      `${at("1:2", ".trunc")}trunc is an unexported field of struct type *formatter.imageContext`,
    );
    assert.equal(
      executionFailure("{{.ID 1}}", image),
      `${at("1:2", ".ID")}wrong number of args for ID: want 0 got 1`,
    );
    assert.equal(
      executionFailure("{{1 | .Size}}", image),
      `${at("1:6", ".Size")}Size has arguments but cannot be invoked as function`,
    );
    assert.equal(
      executionFailure("{{.constructor}}", image),
      `${at("1:2", ".constructor")}can't evaluate field constructor in type *formatter.imageContext`,
    );
  });

  test("is true, even without fields, and equal only to itself", () => {
    const empty = goStruct("*main.T", {});
    assert.equal(
      render("{{if .e}}1{{end}} {{eq .e .e}} {{eq .e .f}}", {
        e: empty,
        f: goStruct("*main.T", {}),
      }),
      "1 true false",
    );
  });
});

describe("goTyped", () => {
  test("gives a map its elements' zero value", () => {
    const labels = { typed: goTyped("map[string]string", { a: "1" }), plain: { a: "1" } };
    assert.equal(
      render('[{{index .typed "x"}}] [{{index .plain "x"}}]', labels),
      "[] [<no value>]",
    );
    assert.equal(render("{{.typed.x}} {{.typed.a}}", labels), "<no value> 1");
    const numbers = goTyped("map[string]int64", {});
    assert.equal(render('{{index . "x"}} {{printf "%T" (index . "x")}}', numbers), "0 int64");
    assert.equal(render('{{index . "x"}}', goTyped("map[string]bool", {})), "false");
    assert.equal(render('{{index . "x"}}', goTyped("map[string][]string", {})), "[]");
  });

  test("makes nil slices, maps and pointers", () => {
    const nils = {
      list: goTyped("[]string", null),
      map: goTyped("map[string]string", null),
      pointer: goTyped("*container.Health", null),
    };
    assert.equal(render("{{.list}} {{.map}} {{.pointer}}", nils), "[] map[] <nil>");
    assert.equal(
      render("{{len .list}} {{eq .list nil}} {{eq .pointer nil}} {{not .pointer}}", nils),
      "0 true true true",
    );
    assert.equal(
      executionFailure("{{(.pointer).Status}}", nils),
      `${at("1:3", ".pointer")}nil pointer evaluating *container.Health.Status`,
    );
  });

  test("names its type in errors and with %T", () => {
    assert.equal(
      render('{{printf "%T %T" .n .l}}', { n: goTyped("int64", 5), l: goTyped("[]string", ["a"]) }),
      "int64 []string",
    );
    assert.equal(
      executionFailure("{{truncate `abc` .}}", goTyped("int64", 5)),
      `${at("1:17", ".")}wrong type for value; expected int; got int64`,
    );
  });

  test("keeps a whole float64 a float64", () => {
    assert.equal(
      render('{{.}} {{printf "%d" .}}', goTyped("float64", 1e6)),
      "1e+06 %!d(float64=1e+06)",
    );
  });

  test("takes numbers of undeclared fields as Docker does", () => {
    assert.equal(
      render('{{.n}} {{printf "%d" .n}} {{json .n}}', { n: goTyped("json.Number", "12") }),
      "12 %!d(json.Number=12) 12",
    );
  });
});

describe("plain values", () => {
  test("whole numbers are ints, others are floats", () => {
    assert.equal(
      render('{{range .}}{{printf "%T %v;" . .}}{{end}}', [
        1,
        -0,
        2 ** 53,
        1e300,
        0.5,
        5n,
        2n ** 63n,
      ]),
      "int 1;int 0;int 9007199254740992;float64 1e+300;float64 0.5;int 5;uint64 9223372036854775808;",
    );
  });

  test("undefined is no key of a map", () => {
    assert.equal(
      render("{{.}} {{len .}} {{.a}}", { a: undefined, b: null }),
      "map[b:<nil>] 1 <no value>",
    );
  });

  test("text that is no Unicode becomes U+FFFD", () => {
    assert.equal(render("{{.}} \ud800", "a\udc00"), "a\ufffd \ufffd");
  });
});
