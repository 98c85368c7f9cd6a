// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  FilesystemDetector,
  formatOf,
  refuseFilesystem,
  unrecognized,
} from "../../src/archive/detect.ts";
import { type MemberRecord, MemberTable } from "../../src/archive/member.ts";

function table(names: readonly string[]): MemberTable {
  const members = new MemberTable("a.tar");
  for (const name of names) {
    const content = { type: "bytes", bytes: Buffer.alloc(0) } as const;
    const record: MemberRecord = name.endsWith("/")
      ? { type: "other" }
      : { type: "file", member: { name, size: 0, content } };
    members.add(name, record);
  }
  return members;
}

describe("formatOf", () => {
  it("tells by the documents at the top", () => {
    const cases: readonly (readonly [names: readonly string[], want: string | undefined])[] = [
      [["manifest.json"], "docker-archive"],
      [["manifest.json", "repositories"], "docker-archive"],
      [["repositories"], "docker-legacy"],
      [["index.json"], "oci-layout"],
      [["oci-layout"], "oci-layout"],
      [["oci-layout", "index.json", "manifest.json"], "docker-archive+oci-layout"],
      [["a/manifest.json", "manifest.json/", "x"], undefined],
      [[], undefined],
    ];
    for (const [names, want] of cases) assert.equal(formatOf(table(names)), want, names.join());
  });
});

describe("unrecognized", () => {
  it("says what the archive begins with, in Docker's words", () => {
    const text =
      "a.tar: invalid archive: does not contain a manifest.json, an index.json or repositories";
    assert.equal(unrecognized(table([])).message, `${text}: it is empty`);
    const some = unrecognized(table(["README", "src/", "src/a", "src/b"]));
    assert.equal(some.message, `${text} (it begins with README, src, src/a)`);
    assert.equal(some.code, "ARCHIVE_UNRECOGNIZED");
  });
});

describe("FilesystemDetector", () => {
  it("is certain at the third folder of a system, however names begin", () => {
    for (const prefix of ["", "./", "/"]) {
      const detector = new FilesystemDetector("a.tar");
      for (const name of ["bin/sh", "bin/ls", "etc/", "blobs/sha256/x", "homes/x"]) {
        detector.see(`${prefix}${name}`);
      }
      assert.equal(detector.isFilesystem, false);
      assert.throws(() => detector.see(`${prefix}home`), {
        code: "ARCHIVE_IS_FILESYSTEM",
        message: /^a\.tar: this is a container's file system/,
        hint: /lade import/,
      });
      assert.equal(detector.isFilesystem, true);
    }
  });

  it("takes a small one for what it is once nothing else can come", () => {
    for (const names of [["etc/passwd"], ["bin/", "README"], [".dockerenv"]]) {
      assert.throws(() => refuseFilesystem(table(names)), { code: "ARCHIVE_IS_FILESYSTEM" });
    }
    for (const names of [
      ["manifest.json", "etc/x", "bin/y"],
      ["index.json", "home/x"],
      ["README", "etcetera/x", "mnt.tar", "a/etc/b", "a/bin/b", "a/usr/b"],
      [],
    ]) {
      refuseFilesystem(table(names));
    }
  });
});
