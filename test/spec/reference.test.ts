// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LadeError } from "../../src/base/errors.ts";
import {
  canonicalString,
  familiarName,
  familiarString,
  fullName,
  matchesReferencePattern,
  parseReference,
  withDefaultTag,
  withTag,
} from "../../src/spec/reference.ts";
import { refused, resultOrRefusal } from "./refused.ts";

const hex = "0123456789abcdef".repeat(4);
const digest = `sha256:${hex}`;

describe("parseReference", () => {
  it("normalises names", () => {
    const cases: readonly (readonly [text: string, canonical: string, familiar: string])[] = [
      ["busybox", "docker.io/library/busybox", "busybox"],
      ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
      ["docker.io/busybox", "docker.io/library/busybox", "busybox"],
      ["index.docker.io/busybox", "docker.io/library/busybox", "busybox"],
      ["index.docker.io/library/x:1", "docker.io/library/x:1", "x:1"],
      ["library/busybox", "docker.io/library/busybox", "busybox"],
      ["library/a/b", "docker.io/library/a/b", "library/a/b"],
      ["team/app:v1", "docker.io/team/app:v1", "team/app:v1"],
      ["localhost/x", "localhost/x", "localhost/x"],
      ["localhost:5000/x", "localhost:5000/x", "localhost:5000/x"],
      ["localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"],
      ["ghcr.io/a/b", "ghcr.io/a/b", "ghcr.io/a/b"],
      ["[::1]:5000/x:1", "[::1]:5000/x:1", "[::1]:5000/x:1"],
      ["Uppercase/x", "Uppercase/x", "Uppercase/x"],
      ["HOST.example/x:TAG", "HOST.example/x:TAG", "HOST.example/x:TAG"],
      ["foo_bar.com/x", "foo_bar.com/x", "foo_bar.com/x"],
      ["a__b/c--d.e", "docker.io/a__b/c--d.e", "a__b/c--d.e"],
      [`x@${digest}`, `docker.io/library/x@${digest}`, `x@${digest}`],
      [`x:1@${digest}`, `docker.io/library/x:1@${digest}`, `x:1@${digest}`],
      [`sha256:${hex}`, `docker.io/library/sha256:${hex}`, `sha256:${hex}`],
      [`x:${"t".repeat(128)}`, `docker.io/library/x:${"t".repeat(128)}`, `x:${"t".repeat(128)}`],
    ];
    for (const [text, canonical, familiar] of cases) {
      const ref = parseReference(text);
      assert.equal(canonicalString(ref), canonical, text);
      assert.equal(familiarString(ref), familiar, text);
    }
  });

  it("splits into its parts", () => {
    assert.deepEqual(parseReference(`localhost:5000/a/b:1@${digest}`), {
      domain: "localhost:5000",
      path: "a/b",
      tag: "1",
      digest,
    });
    assert.deepEqual(parseReference("busybox"), { domain: "docker.io", path: "library/busybox" });
    assert.equal(familiarName(parseReference("busybox:1")), "busybox");
    assert.equal(fullName(parseReference("busybox:1")), "docker.io/library/busybox");
  });

  it("keeps docker.io where the name would be read as another one without it", () => {
    for (const text of ["docker.io/a.b/c:1", "docker.io/localhost/x", `docker.io/library/${hex}`]) {
      assert.equal(familiarString(parseReference(text)), text);
    }
    assert.equal(familiarString(parseReference(`docker.io/team/${hex}`)), `team/${hex}`);
  });

  it("refuses in Docker's words", () => {
    const format = "invalid reference format";
    const upper = (name: string): string =>
      `${format}: repository name (${name}) must be lowercase`;
    const cases: readonly (readonly [text: string, message: string])[] = [
      ["", format],
      [":justtag", format],
      [`@${digest}`, format],
      ["a:", format],
      ["-a", format],
      ["a-", format],
      ["a//b", format],
      ["a/", format],
      ["a___b", format],
      ["a..b", format],
      ["../x", format],
      ["a b", format],
      ["a\n", format],
      ["x:.tag", format],
      [`x:${"t".repeat(129)}`, format],
      ["[fe80::1%eth0]:5000/x", format],
      ["https://example.com/x", format],
      ["Foo", upper("library/Foo")],
      ["a/Foo:1", upper("a/Foo")],
      ["docker.io/Foo", upper("library/Foo")],
      ["ghcr.io/Foo:Tag", upper("Foo")],
      [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
      [`x@sha256:${hex.slice(2)}`, "invalid checksum digest length"],
      [`x@sha256:${hex.toUpperCase()}`, "invalid checksum digest format"],
      [`x@md5:${hex}`, "unsupported digest algorithm"],
      [`${"a/".repeat(127)}ab`, "repository name must not be more than 255 characters"],
    ];
    for (const [text, message] of cases) {
      assert.equal(refused("REFERENCE_INVALID", () => parseReference(text)).message, message, text);
    }
    assert.equal(parseReference(`${"a/".repeat(127)}a`).path.length, 255);
  });

  it("gives the lower-case name where capitals are the only fault", () => {
    const cases: readonly (readonly [text: string, hint: string | undefined])[] = [
      ["Foo", "Write it as foo"],
      ["a/Foo:Tag", "Write it as a/foo:Tag"],
      [`host:5000/Foo@${digest}`, `Write it as host:5000/foo@${digest}`],
      ["a/Foo:Tag:Tag", undefined],
    ];
    for (const [text, hint] of cases) {
      assert.equal(refused("REFERENCE_INVALID", () => parseReference(text)).hint, hint);
    }
  });

  it("names a look-alike and gives the name as it should be", () => {
    const cases: readonly (readonly [text: string, found: string, fixed: string])[] = [
      ["webapp：2.0", "full-width colon (U+FF1A)", "webapp:2.0"],
      ["WebApp：2.0", "full-width colon (U+FF1A)", "webapp:2.0"],
      ["ghcr．io／a／b：1", "full-width full stop (U+FF0E)", "ghcr.io/a/b:1"],
      [`x＠${digest}`, "full-width at sign (U+FF20)", `x@${digest}`],
      ["web\u00a0app", "non-breaking space (U+00A0)", "webapp"],
      ["\u200bbusybox", "zero-width space (U+200B)", "busybox"],
      ["busybox\ufeff", "zero-width no-break space (U+FEFF)", "busybox"],
      ["my–app", "en dash (U+2013)", "my-app"],
      ["ｂｕｓｙｂｏｘ", "character U+FF42", "busybox"],
      ["a∕b", "character U+2215", "a/b"],
      ["a\u{e0020}b", "character U+E0020", "ab"],
    ];
    for (const [text, found, fixed] of cases) {
      const error = refused("REFERENCE_INVALID", () => parseReference(text));
      assert.equal(error.message, `invalid reference format: ${found} in the name`);
      assert.equal(error.hint, `Write it as ${fixed}`);
      parseReference(fixed);
    }
  });

  it("gives no hint that would not work", () => {
    for (const text of ["ünïcode", "a：b：c：d e", "日本"]) {
      const error = refused("REFERENCE_INVALID", () => parseReference(text));
      assert.equal(error.message, "invalid reference format");
      assert.equal(error.hint, undefined);
    }
  });

  it("keeps control characters out of the message", () => {
    const error = refused("REFERENCE_INVALID", () => parseReference("a/\x1b[31mX"));
    assert.equal(
      error.message,
      'invalid reference format: repository name ("a/\\x1b[31mX") must be lowercase',
    );
  });

  it("takes any text or refuses it, and fast", { timeout: 20_000 }, () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 80 }),
      fc.string({
        unit: fc.constantFrom("a", "B", "0", ".", "-", "_", "/", ":", "@"),
        maxLength: 60,
      }),
    );
    fc.assert(
      fc.property(text, (name) => {
        const result = resultOrRefusal(() => parseReference(name));
        if (result instanceof LadeError) return assert.equal(result.code, "REFERENCE_INVALID");
        assert.deepEqual(parseReference(canonicalString(result)), result);
        assert.deepEqual(parseReference(familiarString(result)), result);
      }),
      { numRuns: 2000 },
    );
    for (const unit of ["a", "a-", "a.", "a/", "A.", "__", "a:"]) {
      resultOrRefusal(() => parseReference(`${unit.repeat(50_000)}!`));
    }
  });

  it("comes back from its familiar and its canonical form", () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,5}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,4}){0,2}$/);
    const domain = fc.constantFrom(
      "",
      "docker.io/",
      "localhost/",
      "ghcr.io/",
      "a.b:5000/",
      "[::1]/",
    );
    const tag = fc.option(fc.stringMatching(/^\w[\w.-]{0,20}$/), { nil: undefined });
    const path = fc.array(part, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(domain, path, tag, fc.boolean(), (host, parts, label, digested) => {
        const name = host + parts.join("/");
        const text =
          name + (label === undefined ? "" : `:${label}`) + (digested ? `@${digest}` : "");
        const ref = parseReference(text);
        assert.equal(ref.tag, label);
        assert.equal(ref.digest, digested ? digest : undefined);
        assert.deepEqual(parseReference(familiarString(ref)), ref);
        assert.deepEqual(parseReference(canonicalString(ref)), ref);
        assert.equal(fullName(ref).endsWith(parts.join("/")), true);
      }),
    );
  });
});

describe("tags", () => {
  it("adds latest only to a bare name", () => {
    assert.equal(familiarString(withDefaultTag(parseReference("x"))), "x:latest");
    assert.equal(familiarString(withDefaultTag(parseReference("x:1"))), "x:1");
    assert.equal(familiarString(withDefaultTag(parseReference(`x@${digest}`))), `x@${digest}`);
  });

  it("sets a tag, and refuses what is none", () => {
    assert.equal(familiarString(withTag(parseReference("x:1"), "2")), "x:2");
    for (const tag of ["", ".a", "-a", "a b", "a/b", "a".repeat(129), "a\n"]) {
      const error = refused("REFERENCE_INVALID", () => withTag(parseReference("x"), tag));
      assert.equal(error.message, "invalid tag format");
    }
  });
});

describe("matchesReferencePattern", () => {
  // What `docker images PATTERN` of Docker 20.10 shows for these names.
  const names =
    "busybox:latest busybox:1.36 ghcr.io/a/b:x localhost:5000/x:1 team/app:v1 a-b/c.d:e_f".split(
      " ",
    );
  const busybox = ["busybox:latest", "busybox:1.36"];

  it("selects what Docker selects", () => {
    const cases: readonly (readonly [pattern: string, selected: readonly string[]])[] = [
      ["busybox", busybox],
      ["busy*", busybox],
      ["*", busybox],
      ["*:*", busybox],
      ["**", busybox],
      ["*/*", ["localhost:5000/x:1", "team/app:v1", "a-b/c.d:e_f"]],
      ["*/*/*", ["ghcr.io/a/b:x"]],
      ["*:latest", ["busybox:latest"]],
      ["b?sybox:*", busybox],
      ["[a-c]*", busybox],
      ["[^a-c]*", []],
      ["busybox:1.[0-9]*", ["busybox:1.36"]],
      ["\\b\\u\\s\\y*", busybox],
      ["[a-b]-b/*", ["a-b/c.d:e_f"]],
      ["team/app", ["team/app:v1"]],
      ["l*:5000/x", ["localhost:5000/x:1"]],
      ["team/*:v?", ["team/app:v1"]],
      ["[b-a]*", []],
      ["team[/]app", ["team/app:v1"]],
    ];
    for (const [pattern, selected] of cases) {
      const found = names.filter((name) => matchesReferencePattern(pattern, parseReference(name)));
      assert.deepEqual(found, selected, pattern);
    }
  });

  it("takes whole names of Docker Hub too", () => {
    const ref = parseReference("busybox:1");
    assert.ok(matchesReferencePattern("docker.io/library/busybox", ref));
    assert.ok(matchesReferencePattern("docker.io/library/busy*:1", ref));
    assert.ok(!matchesReferencePattern("docker.io/library/alpine", ref));
  });

  it("refuses a malformed pattern", () => {
    refused("FILTER_INVALID", () => matchesReferencePattern("[", parseReference("x")));
  });
});
