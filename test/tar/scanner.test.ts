// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { TarEntry } from "../../src/tar/entry.ts";
import { TarScanner } from "../../src/tar/scanner.ts";
import { docker25 } from "../fixtures/docker-oci.ts";
import { differentials } from "../fixtures/honest-layers.ts";
import { baseLayer } from "../fixtures/sample-image.ts";
import { gnuLongName, paxHeader, tar, tarHeader, tarMember } from "../fixtures/tar-builder.ts";
import { sampleChunks, sparseMember } from "../fixtures/tar-sparse.ts";
import { assertRefused, scan, scanInPieces, scanOne } from "./scan.ts";

const long = `${"folder/".repeat(30)}file`;

/** Every kind of header that there is. */
function mixed(): Buffer {
  const sparse = { name: "sparse", realSize: 100_000, chunks: sampleChunks() };
  return tar([
    { name: "plain", body: "plain" },
    { name: "empty" },
    { name: "blocks", body: Buffer.alloc(1024, "b") },
    { name: "folder/", type: "5" },
    paxHeader({ comment: "for all" }, { type: "g" }),
    { name: "pax", body: "p".repeat(600), pax: { mtime: "1.5", "SCHILY.xattr.user.a": "b" } },
    { name: long, body: "long", longNames: "gnu" },
    { name: "link", type: "2", linkName: long, longNames: "gnu" },
    { name: long, type: "1", linkName: long, longNames: "pax" },
    sparseMember({ ...sparse, form: "old-gnu" }),
    sparseMember({ ...sparse, form: "pax-0.0" }),
    sparseMember({ ...sparse, form: "pax-1.0" }),
    { name: "last", body: "last" },
  ]);
}

describe("TarScanner", () => {
  it("tells all of a member", () => {
    const bytes = tar([
      { name: "first" },
      {
        name: "folder/file",
        body: "content",
        mode: 0o106755,
        uid: 1000,
        gid: 4_294_967_294,
        mtime: 1_714_558_830,
        pax: { mtime: "-1.25", "SCHILY.xattr.user.b": "2", "SCHILY.xattr.user.a": "1" },
      },
    ]);
    const [first, entry] = scan(bytes);
    assert.equal(first?.path, "first");
    assert.deepEqual(entry, {
      path: "folder/file",
      linkPath: "",
      type: "file",
      mode: 0o6755,
      uid: 1000,
      gid: 4_294_967_294,
      mtimeSeconds: -2,
      mtimeNanoseconds: 750_000_000,
      size: 7,
      dataOffset: 2048,
      storedSize: 7,
      deviceMajor: 0,
      deviceMinor: 0,
      xattrs: [
        ["user.b", "2"],
        ["user.a", "1"],
      ],
      sparse: undefined,
    } satisfies TarEntry);
    assert.equal(bytes.toString("latin1", 2048, 2055), "content");
  });

  it("knows the types", () => {
    const types: readonly (readonly [flag: string, want: string])[] = [
      ...([["0", "file"] as const, ["\0", "file"], ["7", "file"], ["1", "hardlink"]] as const),
      ...([["2", "symlink"] as const, ["3", "character"], ["4", "block"]] as const),
      ...([["5", "directory"] as const, ["6", "fifo"]] as const),
    ];
    for (const [type, want] of types) {
      assert.equal(scanOne(tar([{ name: "n", type }])).type, want);
    }
    for (const type of ["V", "M", "D", "N", "8", "9", "a", "\xff"]) {
      const raw = { 156: Buffer.from(type, "latin1") };
      const bytes = tar([{ name: "odd", raw, body: "data" }, { name: "after" }]);
      assertRefused(() => scan(bytes), "TAR_FIELD", /unhandled tar header type \d+/);
      const names = scan(bytes, { skipUnknownTypes: true }).map(({ path }) => path);
      assert.deepEqual(names, ["after"]);
    }
  });

  it("takes an old file whose name ends in a slash for a folder, without data", () => {
    const v7 = { dialect: "v7", type: "\0" } as const;
    const names = (parts: Parameters<typeof tar>[0]) =>
      scan(tar(parts)).map(({ path, type, size }) => [path, type, size]);
    assert.deepEqual(names([{ ...v7, name: "d/" }, { name: "f" }]), [
      ["d/", "directory", 0],
      ["f", "file", 0],
    ]);
    assert.deepEqual(names([{ ...v7, name: "d/", size: 5 }, { name: "f" }]), [
      ["d/", "directory", 0],
      ["f", "file", 0],
    ]);
    const pax = { path: "from-pax/" };
    assert.deepEqual(names([{ type: "\0", name: "n", size: 5, pax }]), [
      ["from-pax/", "directory", 0],
    ]);
  });

  it("ignores sizes of what has no data", () => {
    for (const type of ["1", "2", "3", "4", "5", "6"]) {
      const entries = scan(tar([{ name: "n", type, size: 5 }, { name: "after" }]));
      assert.deepEqual(
        entries.map(({ path, size, storedSize }) => [path, size, storedSize]),
        [
          ["n", 0, 0],
          ["after", 0, 0],
        ],
      );
    }
  });

  it("lets extensions go for the next member only", () => {
    const entries = scan(
      tar([
        { name: "a", pax: { path: "named", uid: "7", mtime: "9" }, linkName: "" },
        { name: "b" },
        gnuLongName("L", "long"),
        gnuLongName("K", "target"),
        { name: "c", type: "2" },
        { name: "d", type: "2", linkName: "own" },
      ]),
    );
    assert.deepEqual(
      entries.map(({ path, linkPath, uid, mtimeSeconds }) => [path, linkPath, uid, mtimeSeconds]),
      [
        ["named", "", 7, 9],
        ["b", "", 0, 0],
        ["long", "target", 0, 0],
        ["d", "own", 0, 0],
      ],
    );
  });

  it("takes GNU's long names before those of pax, and neither when it is empty", () => {
    const parts = [paxHeader({ path: "from-pax", linkpath: "pax-link" }), gnuLongName("L", "gnu")];
    const both = scanOne(tar([...parts, { name: "own", type: "2", linkName: "link" }]));
    assert.deepEqual([both.path, both.linkPath], ["gnu", "pax-link"]);
    const empty = [paxHeader({ path: "", linkpath: "", uid: "", size: "", mtime: "" })];
    const own = scanOne(tar([...empty, gnuLongName("L", ""), gnuLongName("K", ""), sized()]));
    assert.deepEqual(
      [own.path, own.linkPath, own.uid, own.size, own.mtimeSeconds],
      ["own", "", 5, 4, 3],
    );
  });

  const sized = () => tarMember({ name: "own", body: "four", uid: 5, mtime: 3 });

  it("does not apply a global header, and refuses a broken one", () => {
    const records = { path: "global", mtime: "5", size: "1" };
    const entry = scanOne(tar([paxHeader(records, { type: "g" }), { name: "n" }]));
    assert.deepEqual([entry.path, entry.mtimeSeconds, entry.size], ["n", 0, 0]);
    const broken = paxHeader(Buffer.from("0 x=y\n"), { type: "g" });
    assertRefused(() => scan(tar([broken, { name: "n" }])), "TAR_FIELD", /pax header/);
  });

  it("limits names and extensions", () => {
    const named = (size: number) => tar([{ name: "n", pax: { path: "p".repeat(size) } }]);
    assert.equal(scanOne(named(4096)).path.length, 4096);
    assertRefused(() => scan(named(4097)), "LIMIT_EXCEEDED", /name of 4097 bytes/);
    const linked = tar([{ name: "n", type: "2", pax: { linkpath: "p".repeat(4097) } }]);
    assertRefused(() => scan(linked), "LIMIT_EXCEEDED", /name of 4097 bytes/);
    for (const type of ["x", "g", "L", "K"]) {
      // Nothing but the header comes: what it says is enough.
      const header = tarHeader({ name: "n", type, size: 2 ** 20 + 1 });
      assertRefused(() => scan(header), "LIMIT_EXCEEDED", /extension header of 1048577 bytes/);
    }
    const body = paxHeader({ comment: "c".repeat(2 ** 20 - 17) });
    assert.equal(scan(tar([body, { name: "n" }])).length, 1);
  });

  for (const { name, tar: bytes, names } of differentials) {
    it(`reads as GNU tar does: ${name}`, () => {
      assert.deepEqual(
        scan(bytes()).map(({ path }) => path),
        names,
      );
    });
  }
});

describe("TarScanner and the end", () => {
  const member = tarMember({ name: "n", body: "body" });
  const zero = Buffer.alloc(512);

  it("is two zero blocks, one, or none", () => {
    for (const end of [[], [zero], [zero, zero], [zero, zero, zero, Buffer.from("noise")]]) {
      assert.equal(scan(Buffer.concat([member, ...end])).length, 1);
    }
    for (const end of [[], [zero], [zero, zero], [zero, zero, zero]]) {
      assert.equal(scan(Buffer.concat(end)).length, 0);
    }
  });

  it("is not one zero block before more data", () => {
    assertRefused(
      () => scan(Buffer.concat([member, zero, member])),
      "TAR_CHECKSUM",
      /one zero block/,
    );
  });

  it("is refused before any member when other data follow: a file system image", () => {
    const image = Buffer.concat([Buffer.alloc(32_768), Buffer.from("CD001"), Buffer.alloc(1000)]);
    for (const sizes of [[], [512], [1024], [1025], [32_768], [32_770]]) {
      assertRefused(() => scanInPieces(image, sizes), "TAR_CHECKSUM", /zeros and then other data/);
    }
  });

  it("inside anything is a cut", () => {
    const bytes = mixed();
    const whole = scan(bytes).length;
    for (let size = 0; size < bytes.length; size += 100) {
      try {
        assert.ok(scan(bytes.subarray(0, size)).length <= whole);
      } catch (error) {
        assertRefused(
          () => {
            throw error;
          },
          "TAR_TRUNCATED",
          /unexpected EOF: the archive ends at byte \d+, inside the member/,
        );
      }
    }
    for (const part of [paxHeader({ a: "b" }), gnuLongName("L", "n"), gnuLongName("K", "n")]) {
      assertRefused(() => scan(part), "TAR_TRUNCATED");
      assertRefused(() => scan(part.subarray(0, 600)), "TAR_TRUNCATED");
    }
    assertRefused(
      () => scan(member.subarray(0, 514)),
      "TAR_TRUNCATED",
      /"n" that starts at byte 0/,
    );
  });

  it("is told by isEnded, and nothing behind it counts", () => {
    const scanner = new TarScanner({ name: "t", onEntry: () => undefined });
    scanner.push(member);
    assert.equal(scanner.isEnded, false);
    scanner.push(zero);
    assert.equal(scanner.isEnded, false);
    scanner.push(zero);
    assert.equal(scanner.isEnded, true);
    scanner.push(Buffer.alloc(5000, "noise"));
    scanner.end();
    assert.equal(scanner.entries, 1);
  });
});

describe("TarScanner in pieces", () => {
  const archives: readonly Buffer[] = [mixed(), docker25().archive, baseLayer().tar];
  const wanted = archives.map((bytes) => scan(bytes));

  it("finds the same in any pieces", () => {
    const size = fc.oneof(
      fc.integer({ min: 0, max: 40 }),
      fc.constantFrom(511, 512, 513, 1024, 4096),
      fc.integer({ min: 0, max: 20_000 }),
    );
    const which = fc.integer({ min: 0, max: archives.length - 1 });
    fc.assert(
      fc.property(which, fc.array(size, { maxLength: 60 }), (index, sizes) => {
        assert.deepEqual(scanInPieces(archives[index] as Buffer, sizes), wanted[index]);
      }),
      { numRuns: 300 },
    );
  });

  it("finds the same byte by byte", () => {
    const bytes = baseLayer().tar;
    const sizes = Array.from({ length: bytes.length }, () => 1);
    assert.deepEqual(scanInPieces(bytes, sizes), wanted[2]);
  });

  it("finds the same when data are jumped over, wherever the window ends", () => {
    for (const [index, bytes] of archives.entries()) {
      for (const window of [1, 7, 512, 700, 4096]) {
        const entries: TarEntry[] = [];
        const scanner = new TarScanner({ name: "t", onEntry: (entry) => entries.push(entry) });
        let pushed = 0;
        for (let at = 0; at < bytes.length && !scanner.isEnded; ) {
          const piece = bytes.subarray(at, at + window);
          scanner.push(piece);
          pushed += piece.length;
          at += piece.length;
          const next = Math.max(at, Math.min(scanner.nextOffset, bytes.length));
          if (next > at) scanner.skipTo(next);
          at = next;
        }
        scanner.end();
        assert.deepEqual(entries, wanted[index]);
        const data = entries.reduce((sum, entry) => sum + Math.floor(entry.storedSize / 512), 0);
        if (window === 512) assert.ok(pushed <= bytes.length - data * 512 + 512 * entries.length);
      }
    }
  });

  it("jumps only within a member's data", () => {
    const scanner = new TarScanner({ name: "t", onEntry: () => undefined });
    scanner.push(tarHeader({ name: "n", size: 700 }));
    assert.equal(scanner.nextOffset, 512 + 1024);
    assert.throws(() => scanner.skipTo(511), /skipTo/);
    assert.throws(() => scanner.skipTo(512 + 1025), /skipTo/);
    scanner.skipTo(600);
    scanner.skipTo(512 + 1024);
    assert.throws(() => scanner.skipTo(512 + 1025), /skipTo/);
    scanner.push(tarHeader({ name: "m" }));
    scanner.end();
    assert.equal(scanner.entries, 2);
  });

  it("names the place of what is wrong, however it came", () => {
    const bytes = Buffer.concat([
      tarMember({ name: "good", body: "x" }),
      tarMember({ name: "bad", checksum: "wrong" }),
    ]);
    for (const sizes of [[], [1, 511, 512, 3], Array.from({ length: 2000 }, () => 1)]) {
      assertRefused(
        () => scanInPieces(bytes, sizes, { name: "layer 7" }),
        "TAR_CHECKSUM",
        /^layer 7: at byte 1024: /,
      );
    }
  });
});
