// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { familiarText, storedReference } from "../../src/engine/names.ts";
import { canonicalString, familiarString, parseReference } from "../../src/spec/reference.ts";

const part = fc.oneof(
  fc.stringMatching(/^[a-z0-9]{1,5}(?:[._-][a-z0-9]{1,4})?$/),
  fc.constantFrom("localhost", "library", "a".repeat(64), "0".repeat(65)),
);
const domain = fc.constantFrom(
  "",
  "docker.io/",
  "library/",
  "localhost:5000/",
  "ghcr.io/",
  "a_b.c/",
);
const suffix = fc.oneof(
  fc.stringMatching(/^:[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}$/),
  fc.constant(`@sha256:${"0123456789abcdef".repeat(4)}`),
);
const name = fc
  .tuple(domain, fc.array(part, { minLength: 1, maxLength: 3 }), suffix)
  .map(([start, parts, end]) => start + parts.join("/") + end)
  .filter((text) => isReference(text));

function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch {
    return false;
  }
}

test("the short ways agree with the references that they stand for", () => {
  fc.assert(
    fc.property(name, (text) => {
      const reference = parseReference(text);
      const whole = canonicalString(reference);
      assert.equal(familiarText(whole), familiarString(reference));
      assert.equal(canonicalString(storedReference(whole)), whole);
      assert.equal(familiarString(storedReference(whole)), familiarString(reference));
    }),
    { numRuns: 500 },
  );
});
