// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { matchPath } from "../../src/spec/path-match.ts";
import { refused } from "./refused.ts";

describe("matchPath", () => {
  it("decides as Go's path.Match", () => {
    const cases: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
      ["abc", "abc", true],
      ["", "", true],
      ["", "a", false],
      ["*", "", true],
      ["*", "abc", true],
      ["*", "a/b", false],
      ["*c", "abc", true],
      ["a*", "ab/c", false],
      ["a*/b", "abc/b", true],
      ["a*/b", "a/c/b", false],
      ["a*b*c*d*e*/f", "axbxcxdxe/f", true],
      ["a*b*c*d*e*/f", "axbxcxdxexxx/fff", false],
      ["a*b?c*x", "abxbbxdbxebxczzx", true],
      ["a*b?c*x", "abxbbxdbxebxczzy", false],
      ["ab[c]", "abc", true],
      ["ab[b-d]", "abc", true],
      ["ab[e-g]", "abc", false],
      ["ab[^c]", "abc", false],
      ["ab[^e-g]", "abc", true],
      ["a\\*b", "a*b", true],
      ["a\\*b", "ab", false],
      ["a?b", "a☺b", true],
      ["a[^a]b", "a☺b", true],
      ["a???b", "a☺b", false],
      ["[a-ζ]*", "α", true],
      ["*[a-ζ]", "A", false],
      ["a?b", "a/b", false],
      ["a*b", "a/b", false],
      ["a[/]b", "a/b", true],
      ["[\\]a]", "]", true],
      ["[\\-x]", "x", true],
      ["[x\\-]", "z", false],
      ["**x", "aax", true],
      ["a?", "a", false],
    ];
    for (const [pattern, name, matches] of cases) {
      assert.equal(matchPath(pattern, name), matches, `${pattern} ${name}`);
    }
  });

  it("refuses a malformed pattern, whatever the name", () => {
    for (const pattern of [
      "[",
      "[a",
      "[]a]",
      "[-]",
      "[x-]",
      "[-x]",
      "a[",
      "\\",
      "a\\",
      "[a-b-c]",
    ]) {
      for (const name of ["", "a", "zzz"]) {
        const error = refused("FILTER_INVALID", () => matchPath(pattern, name));
        assert.equal(error.message, "syntax error in pattern");
      }
    }
  });

  it("agrees with a regular expression for stars and question marks", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "/", "*", "?"), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (glob, name) => {
        const source = glob.replaceAll("*", "[^/]*").replaceAll("?", "[^/]");
        assert.equal(matchPath(glob, name), new RegExp(`^${source}$`).test(name));
      }),
      { numRuns: 2000 },
    );
  });

  it("does not take long for a pattern that is all stars", { timeout: 5000 }, () => {
    assert.equal(matchPath("*a".repeat(2000), `${"a".repeat(4000)}b`), false);
  });
});
