// SPDX-License-Identifier: Apache-2.0

/** What the kernel shows of a layer's image; it checks the superblock's checksum, too. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { encodeErofs } from "../../src/erofs/image.ts";
import { dir, file, hardLink, symlink } from "../fixtures/sample-image.ts";
import { base256, type TarEntry, tar, tarHeader } from "../fixtures/tar-builder.ts";
import { sampleChunks, sparseContent, sparseMember } from "../fixtures/tar-sparse.ts";
import { type ErofsLab, openLab, treeOf, treeOfIndex, xattrsOf } from "./lab.ts";

let lab: ErofsLab;
before(() => {
  lab = openLab();
});
after(() => lab[Symbol.dispose]());

function mounted(parts: readonly (TarEntry | Buffer)[], tarOffset = 0): string {
  return lab.mount(tar(parts), { tarOffset });
}

function namesOf(path: string): string[] {
  return fs
    .readdirSync(path, { encoding: "buffer" })
    .map((name) => name.toString("latin1"))
    .sort();
}

const latin1 = (text: string) => Buffer.from(text, "latin1");
const long = { longNames: "pax" } as const;

describe("names", () => {
  it("are sorted by their bytes, among them those before `.`", () => {
    const names = [
      "!",
      "+",
      "-a",
      ".-",
      ".a",
      "..a",
      "...",
      "0",
      "\x01",
      "\x7f",
      "\x80",
      "\xff\xfe",
    ];
    names.push("new\nline", "back\\slash", "e\xcc\x81", "\xc3\xa9", "ab", "abc", "a");
    const root = mounted(names.map((name) => ({ ...file("", name), name: latin1(name) })));
    assert.deepEqual(namesOf(root), names.toSorted());
    for (const name of names) {
      const path = Buffer.concat([Buffer.from(`${root}/`), latin1(name)]);
      assert.equal(fs.readFileSync(path).toString("utf8"), name);
    }
    assert.throws(() => fs.statSync(join(root, "..b")), { code: "ENOENT" });
  });

  it("are of any length up to 255 bytes", () => {
    const names = Array.from({ length: 255 }, (_, index) => "n".repeat(index + 1));
    const root = mounted(names.map((name) => file(`d/${name}`, name, long)));
    assert.deepEqual(namesOf(join(root, "d")), names);
    for (const name of names) assert.equal(fs.readFileSync(join(root, "d", name), "utf8"), name);
  });

  it("fill folders of all sizes around blocks", () => {
    // `.` and `..` take 27 bytes, each file 12 and its name: every rest of a block comes up.
    const parts: TarEntry[] = [];
    const wanted = new Map<string, string[]>();
    for (let size = 1; size <= 1100; size += 1) {
      const files: string[] = [];
      for (let left = size; left > 0; left -= 200) {
        files.push(`${files.length}${"x".repeat(Math.min(left, 200) - 1)}`);
      }
      wanted.set(String(size), files);
      parts.push(dir(`${size}/`), ...files.map((name) => file(`${size}/${name}`, "", long)));
    }
    const root = mounted(parts);
    for (const [name, files] of wanted) {
      assert.deepEqual(namesOf(join(root, name)), files);
      for (const one of files) assert.ok(fs.lstatSync(join(root, name, one)).isFile());
    }
  });

  it("may be 100,000 in one folder, in any order", () => {
    const names = Array.from({ length: 100_000 }, (_, index) => `${(index * 7919) % 100_000}`);
    const root = mounted(names.map((name) => ({ ...file(`d/${name}`, ""), mode: 0o600 })));
    assert.deepEqual(namesOf(join(root, "d")), names.toSorted());
    for (const name of ["0", "99999", "5", "50000", "12345"]) {
      assert.equal(fs.statSync(join(root, "d", name)).mode % 0o1000, 0o600);
    }
    assert.throws(() => fs.statSync(join(root, "d", "100000")), { code: "ENOENT" });
  });
});

describe("symlinks", () => {
  it("have targets of every length up to 4095 bytes", () => {
    const targets = Array.from({ length: 4095 }, (_, index) => `${index}`.padEnd(index + 1, "t/"));
    const root = mounted(targets.map((target, index) => symlink(`l${index}`, target, long)));
    for (const [index, target] of targets.entries()) {
      const path = join(root, `l${index}`);
      assert.equal(fs.readlinkSync(path), target.slice(0, 4095));
      assert.equal(fs.lstatSync(path).mode % 0o10000, 0o777);
    }
  });

  it("share their inode with their hard links", () => {
    const root = mounted([
      symlink("a", "target"),
      hardLink("b", "a"),
      dir("d/"),
      hardLink("d/c", "b"),
    ]);
    const { ino, nlink } = fs.lstatSync(join(root, "a"));
    assert.equal(nlink, 3);
    for (const name of ["b", "d/c"]) {
      assert.equal(fs.readlinkSync(join(root, name)), "target");
      assert.equal(fs.lstatSync(join(root, name)).ino, ino);
    }
  });
});

describe("attributes", () => {
  const xattr = (name: string, value: string | Uint8Array) => ({ [`SCHILY.xattr.${name}`]: value });

  it("have values of all sizes up to 65,535 bytes, whatever lies behind them", () => {
    const sizes = [0, 1, 2, 3, 4, ...Array.from({ length: 40 }, (_, index) => 380 + index * 4)];
    sizes.push(...[511, 512, 513, 1000, 4000, 4096, 30_000, 65_534, 65_535]);
    const parts = sizes.flatMap((size) => {
      const pax = xattr("user.v", Buffer.alloc(size, `${size}`));
      return [
        file(`f${size}`, "content", { pax }),
        dir(`d${size}/`, { pax }),
        ...[1, 2, 3].map((index) => file(`d${size}/file${index}`, "")),
        symlink(`l${size}`, "t".repeat(300), {
          ...long,
          pax: xattr("trusted.v", pax["SCHILY.xattr.user.v"] ?? ""),
        }),
        { name: `p${size}`, type: "6", pax: xattr("trusted.v", Buffer.alloc(size, "p")) },
      ];
    });
    const root = mounted(parts);
    for (const size of sizes) {
      const value = Buffer.alloc(size, `${size}`).toString("latin1");
      assert.deepEqual(xattrsOf(join(root, `f${size}`)), { "user.v": value });
      assert.equal(fs.readFileSync(join(root, `f${size}`), "utf8"), "content");
      assert.deepEqual(xattrsOf(join(root, `d${size}`)), { "user.v": value });
      assert.deepEqual(namesOf(join(root, `d${size}`)), ["file1", "file2", "file3"]);
      assert.deepEqual(xattrsOf(join(root, `l${size}`)), { "trusted.v": value });
      assert.equal(fs.readlinkSync(join(root, `l${size}`)), "t".repeat(300));
      assert.deepEqual(xattrsOf(join(root, `p${size}`)), { "trusted.v": "p".repeat(size) });
    }
  });

  it("may be many on one file", () => {
    const values = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [
        `user.${index}-${"n".repeat(index % 200)}`,
        `${index}`,
      ]),
    );
    values["user.large"] = "x".repeat(60_000);
    values["security.capability"] = latin1(
      "\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ).toString("latin1");
    const pax = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [`SCHILY.xattr.${name}`, latin1(value)]),
    );
    assert.deepEqual(xattrsOf(join(mounted([file("f", "", { pax })]), "f")), values);
  });
});

describe("files", () => {
  it("lie in the tar wherever that starts", () => {
    const bodies = Object.fromEntries(
      [0, 1, 511, 512, 513, 4095, 4096, 4097, 70_000].map((size) => [
        `f${size}`,
        Buffer.from(Array.from({ length: size }, (_, index) => (index * 7 + size) % 251)),
      ]),
    );
    for (const tarOffset of [0, 512, 1536, 4096, 1_048_576]) {
      const root = mounted(
        Object.entries(bodies).map(([name, body]) => file(name, body)),
        tarOffset,
      );
      for (const [name, body] of Object.entries(bodies)) {
        assert.ok(fs.readFileSync(join(root, name)).equals(body), `${name} at ${tarOffset}`);
      }
    }
  });

  it("may be larger than 4 GiB", () => {
    const size = 5 * 2 ** 30 + 3;
    const path = lab.path("large.tar");
    const fd = fs.openSync(path, "w");
    fs.writeSync(fd, tarHeader(file("large", "", { size: base256(BigInt(size), 12) })), 0, 512, 0);
    const marks = [0, 2 ** 30 - 1, 2 ** 31, 2 ** 32 - 1, size - 2];
    for (const mark of marks) fs.writeSync(fd, "ab", 512 + mark);
    fs.ftruncateSync(fd, 512 + Math.ceil(size / 512) * 512);
    const tail = tar([file("after", "small")]);
    fs.writeSync(fd, tail, 0, tail.length, 512 + Math.ceil(size / 512) * 512);
    fs.closeSync(fd);
    const root = lab.mount({ path });
    assert.equal(fs.statSync(join(root, "large")).size, size);
    const read = fs.openSync(join(root, "large"), "r");
    for (const mark of marks) {
      const bytes = Buffer.alloc(4);
      const count = fs.readSync(read, bytes, 0, 4, Math.max(0, mark - 1));
      const found = bytes.subarray(0, count).toString("latin1");
      assert.equal(found.replaceAll("\0", ""), "ab", `at ${mark}: ${JSON.stringify(found)}`);
    }
    fs.closeSync(read);
    assert.equal(fs.readFileSync(join(root, "after"), "utf8"), "small");
    lab.unmountAll();
    fs.rmSync(path);
  });

  it("are sparse in every form, and read as what was written", () => {
    const block = (text: string) => Buffer.alloc(512, text);
    const kinds = {
      aligned: {
        realSize: 300_000,
        chunks: [4096, 8192, 65_536, 299_008].map((offset) => ({
          offset,
          data: Buffer.alloc(512 * 2 - (offset === 299_008 ? 32 : 0), `${offset}`),
        })),
      },
      samples: { realSize: 100_000, chunks: sampleChunks() },
      hole: { realSize: 70_000, chunks: [] },
      shifted: {
        realSize: 20_000,
        chunks: [
          { offset: 100, data: block("a") },
          { offset: 9_001, data: block("b") },
          { offset: 19_000, data: "end" },
        ],
      },
      full: {
        realSize: 1024,
        chunks: [
          { offset: 0, data: block("x") },
          { offset: 512, data: block("y") },
        ],
      },
    };
    const forms = ["old-gnu", "pax-0.0", "pax-0.1", "pax-1.0"] as const;
    const files = forms.flatMap((form) =>
      Object.entries(kinds).map(([kind, what]) => ({ ...what, name: `${form}-${kind}`, form })),
    );
    for (const tarOffset of [0, 512]) {
      const root = lab.mount(tar(files.map(sparseMember)), { tarOffset });
      for (const one of files) {
        assert.ok(fs.readFileSync(join(root, one.name)).equals(sparseContent(one)), one.name);
      }
    }
  });

  it("may have holes of terabytes", () => {
    const last = 1.2e12;
    const chunks = [
      { offset: 0, data: Buffer.alloc(512, "first") },
      { offset: last - (last % 512), data: "last" },
    ];
    const root = mounted([
      sparseMember({ name: "lastlog", realSize: last + 512, chunks, form: "pax-1.0" }),
      sparseMember({ name: "hole", realSize: 2 ** 50, chunks: [], form: "pax-1.0" }),
    ]);
    const fd = fs.openSync(join(root, "lastlog"), "r");
    const at = (offset: number) => {
      const bytes = Buffer.alloc(8);
      fs.readSync(fd, bytes, 0, 8, offset);
      return bytes.toString("latin1").replaceAll("\0", "");
    };
    assert.deepEqual(
      [at(0), at(512), at(600_000_000_000), at(last - (last % 512))],
      ["firstfir", "", "", "last"],
    );
    fs.closeSync(fd);
    assert.equal(fs.statSync(join(root, "hole")).size, 2 ** 50);
  });

  it("have owners, modes, times and devices of all sizes", () => {
    const root = mounted([
      dir("./", { mode: 0o1711, uid: 5, gid: 6, pax: { mtime: "-3.75" } }),
      file("u", "", { mode: 0o6755, uid: base256(4_294_967_294n, 8), gid: base256(70_000n, 8) }),
      file("early", "", { pax: { mtime: "-2208988800.000000001" } }),
      file("late", "", { pax: { mtime: "253402300799.999999999" } }),
      { name: "c", type: "3", mode: 0o640, devMajor: 4095, devMinor: 1_048_575 },
      { name: "b", type: "4", mode: 0o600, devMajor: 0, devMinor: 0 },
    ]);
    const stat = (name: string) => fs.lstatSync(join(root, name), { bigint: true });
    const top = stat("");
    assert.deepEqual(
      [top.mode % 0o10000n, top.uid, top.gid, top.mtimeNs],
      [0o1711n, 5n, 6n, -3_750_000_000n],
    );
    assert.deepEqual(
      [stat("u").mode, stat("u").uid, stat("u").gid],
      [0o106755n, 4_294_967_294n, 70_000n],
    );
    assert.equal(stat("early").mtimeNs, -2_208_988_800_000_000_001n);
    // More than Node can count; the seconds are right.
    assert.equal(stat("late").mtimeMs / 1000n, 253_402_300_799n);
    assert.equal(stat("c").rdev, 0xfffn * 256n + 255n + 0xfff00n * 4096n);
    assert.ok(stat("b").isBlockDevice());
  });
});

describe("an image", () => {
  const parts = [
    dir("b/"),
    ...["z", "a", "m"].map((name) => file(`b/${name}`, name)),
    hardLink("a", "b/m"),
    file(".wh.gone", ""),
    sparseMember({
      name: "s",
      realSize: 9000,
      chunks: [{ offset: 7, data: "x" }],
      form: "pax-1.0",
    }),
  ];

  it("is the same each time, made from the tar or from its index", () => {
    const bytes = tar(parts);
    const source = { tarOffset: 0, tarSize: bytes.length, digest: "ab".repeat(32) };
    const first = encodeErofs(treeOf(bytes), source);
    for (const tree of [treeOf(bytes), treeOfIndex(bytes)]) {
      assert.deepEqual(encodeErofs(tree, source), first);
    }
    assert.equal(first.size % 512, 0);
  });

  it("shows a layer of nothing", () => {
    for (const bytes of [Buffer.alloc(0), tar([])]) {
      const root = lab.mount(bytes);
      assert.deepEqual(fs.readdirSync(root), []);
      assert.equal(fs.statSync(root).mode, 0o040755);
    }
  });

  it("counts links and space", () => {
    const root = mounted(parts);
    assert.equal(fs.statSync(join(root, "a")).nlink, 2);
    assert.equal(fs.statSync(root).nlink, 3);
    assert.ok(fs.statfsSync(root).blocks > 0);
  });
});
