// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { posix } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type MemberRecord, MemberTable, normalizeName } from "../../src/archive/member.ts";
import { isLadeError } from "../../src/base/errors.ts";

const file = (name: string): MemberRecord => ({
  type: "file",
  member: { name, size: 1, content: { type: "bytes", bytes: Buffer.from("x") } },
});
const symlink = (target: string): MemberRecord => ({ type: "symlink", target });
const hardlink = (target: string): MemberRecord => ({ type: "hardlink", target });

function table(records: Readonly<Record<string, MemberRecord>>): MemberTable {
  const members = new MemberTable("a.tar");
  for (const [name, record] of Object.entries(records)) members.add(name, record);
  return members;
}

const found = (members: MemberTable, name: string) => members.lookup(name, "manifest.json")?.name;

describe("normalizeName", () => {
  it("leaves names that mean the same as they are", () => {
    const cases: readonly (readonly [name: string, want: string])[] = [
      ["a", "a"],
      ["./a", "a"],
      ["a/", "a"],
      ["a//b", "a/b"],
      ["a/./b", "a/b"],
      ["a/../b", "b"],
      ["./", ""],
      ["", ""],
      ["..a", "..a"],
      ["a\\b", "a\\b"],
      ["a b", "a b"],
    ];
    for (const [name, want] of cases) assert.equal(normalizeName(name, "a.tar"), want);
  });

  it("refuses names that lead out", () => {
    for (const name of ["/a", "/", "..", "../a", "a/../../b", "./../a"]) {
      assert.throws(() => normalizeName(name, "a.tar"), {
        code: "NAME_ESCAPES",
        message: /^a\.tar: ".*" (?:is an absolute name|climbs out of the archive)$/,
      });
    }
  });

  it("is what node:path makes of it, or a refusal", () => {
    const part = fc.constantFrom("a", "b", "..", ".", "");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 7 }), (parts) => {
        const name = parts.join("/");
        try {
          const want = posix.normalize(name).replace(/\/$/, "");
          assert.equal(normalizeName(name, "a.tar"), want === "." ? "" : want);
        } catch (error) {
          if (!isLadeError(error, "NAME_ESCAPES")) throw error;
          assert.match(posix.normalize(name), /^(?:\/|\.\.)/);
        }
      }),
    );
  });
});

describe("MemberTable", () => {
  it("finds files by any spelling of their names", () => {
    const members = table({ "./a/b.tar": file("b"), c: file("c"), d: { type: "other" } });
    for (const name of ["a/b.tar", "./a/b.tar", "a//b.tar", "a/x/../b.tar"]) {
      assert.equal(found(members, name), "b");
    }
    assert.equal(found(members, "d"), undefined);
    assert.equal(found(members, "a"), undefined);
    assert.deepEqual([...members.names()], ["a/b.tar", "c", "d"]);
  });

  it("follows links inside, relative, from the top, and one after the other", () => {
    const members = table({
      "real/layer.tar": file("real"),
      "id/layer.tar": symlink("../real/layer.tar"),
      "id/twice.tar": symlink("layer.tar"),
      "id/hard.tar": hardlink("id/twice.tar"),
      "id/dotted.tar": hardlink("./real/layer.tar"),
      "id/nowhere.tar": symlink("gone"),
    });
    for (const name of ["id/layer.tar", "id/twice.tar", "id/hard.tar", "id/dotted.tar"]) {
      assert.equal(found(members, name), "real");
    }
    assert.equal(found(members, "id/nowhere.tar"), undefined);
  });

  it("refuses links that lead out or round", () => {
    const members = table({
      up: symlink("../x"),
      "a/up": symlink("../../x"),
      absolute: symlink("/etc/passwd"),
      hard: hardlink("/etc/passwd"),
      round: symlink("round"),
      one: symlink("two"),
      two: hardlink("one"),
    });
    for (const name of ["up", "a/up", "absolute", "hard"]) {
      assert.throws(() => found(members, name), {
        code: "NAME_ESCAPES",
        message: /^a\.tar: link /,
      });
    }
    for (const name of ["round", "one", "two"]) {
      assert.throws(() => found(members, name), {
        code: "LIMIT_EXCEEDED",
        message: /link to link/,
      });
    }
    assert.throws(() => found(members, "../x"), {
      code: "NAME_ESCAPES",
      message: /^a\.tar: manifest\.json: "\.\.\/x"/,
    });
  });

  it("wants the documents to be plain files that are there once", () => {
    for (const name of ["manifest.json", "index.json", "oci-layout", "repositories"]) {
      const linked = table({ [name]: symlink("other"), other: file("other") });
      assert.throws(() => found(linked, name), { code: "DOCUMENT_INVALID", message: /is a link/ });
      const twice = table({ [name]: file("1") });
      assert.throws(() => twice.add(`./${name}`, file("2")), {
        code: "ARCHIVE_AMBIGUOUS",
        message: /is in the archive twice/,
      });
      // Below the top they are names as any other.
      const below = table({ [`a/${name}`]: file("1") });
      below.add(`a/${name}`, file("2"));
      assert.equal(found(below, `a/${name}`), "2");
    }
  });

  it("takes the last of two members with one name", () => {
    const members = table({ a: file("1") });
    members.add("./a", file("2"));
    assert.equal(found(members, "a"), "2");
    members.add("a", { type: "other" });
    assert.equal(found(members, "a"), undefined);
  });

  it("refuses files with holes only where they are wanted", () => {
    const members = table({ disk: { type: "sparse" }, link: symlink("disk"), a: file("a") });
    assert.equal(found(members, "a"), "a");
    for (const name of ["disk", "link"]) {
      assert.throws(() => found(members, name), {
        code: "UNSUPPORTED",
        message: "a.tar: disk is a sparse file, expected a plain one",
        hint: /--sparse/,
      });
    }
  });
});
