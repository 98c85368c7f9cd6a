// SPDX-License-Identifier: Apache-2.0

/** What a layer's entries make together. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { dir, file, hardLink, symlink } from "../fixtures/sample-image.ts";
import { type TarEntry, tar } from "../fixtures/tar-builder.ts";
import { type ErofsLab, openLab, xattrsOf } from "./lab.ts";

let lab: ErofsLab;
before(() => {
  lab = openLab();
});
after(() => lab[Symbol.dispose]());

type Parts = readonly (TarEntry | Buffer)[];

/** Each path with its content, target or kind; folders end in a slash, opaque ones in two. */
function shown(parts: Parts): Record<string, string> {
  const root = lab.mount(tar(parts));
  const facts: Record<string, string> = {};
  const visit = (path: string) => {
    for (const name of fs.readdirSync(join(root, path)).sort()) {
      const inner = join(path, name);
      const full = join(root, inner);
      const stat = fs.lstatSync(full);
      if (stat.isDirectory()) {
        const isOpaque = xattrsOf(full)["trusted.overlay.opaque"] === "y";
        facts[`${inner}/${isOpaque ? "/" : ""}`] = "";
        visit(inner);
      } else if (stat.isSymbolicLink()) facts[inner] = `-> ${fs.readlinkSync(full)}`;
      else if (stat.isCharacterDevice()) facts[inner] = stat.rdev === 0 ? "whiteout" : "device";
      else facts[inner] = fs.readFileSync(full, "utf8");
    }
  };
  visit("");
  lab.unmountAll();
  return facts;
}

const overlay = (name: string) => ({ pax: { [`SCHILY.xattr.trusted.overlay.${name}`]: "y" } });
const whiteoutDevice = (name: string): TarEntry => ({ name, type: "3", devMajor: 0, devMinor: 0 });

describe("a path that comes twice", () => {
  it("is what came last", () => {
    assert.deepEqual(
      shown([
        ...[file("f", "1"), file("f", "2")],
        ...[dir("d/"), file("d/x", "x"), file("d", "file")],
        ...[file("g", "g"), dir("g/"), file("g/in", "in")],
        ...[dir("h/"), file("h/gone", ""), file("h", ""), dir("h/"), file("h/new", "new")],
        ...[symlink("s", "f"), dir("s/"), file("s/in", "in")],
        ...[file("t", ""), symlink("t", "f")],
      ]),
      {
        f: "2",
        d: "file",
        "g/": "",
        "g/in": "in",
        "h/": "",
        "h/new": "new",
        "s/": "",
        "s/in": "in",
        t: "-> f",
      },
    );
  });

  it("merges folders: what they hold stays, the last one's mode and attributes count", () => {
    const root = lab.mount(
      tar([
        dir("d/", { mode: 0o700, pax: { "SCHILY.xattr.user.a": "1", "SCHILY.xattr.user.b": "1" } }),
        file("d/x", "x"),
        dir("d/", { mode: 0o750, uid: 7, pax: { "SCHILY.xattr.user.b": "2" } }),
      ]),
    );
    const { mode, uid } = fs.statSync(join(root, "d"));
    assert.deepEqual([mode, uid], [0o040750, 7]);
    assert.deepEqual(xattrsOf(join(root, "d")), { "user.a": "1", "user.b": "2" });
    assert.deepEqual(fs.readdirSync(join(root, "d")), ["x"]);
  });

  it("leaves other names of the old file alone", () => {
    assert.deepEqual(
      shown([file("a", "old"), hardLink("b", "a"), file("a", "new"), hardLink("c", "a")]),
      {
        a: "new",
        b: "old",
        c: "new",
      },
    );
  });
});

describe("hard links", () => {
  it("give the file the owner, mode and time of the last, as Docker does", () => {
    const root = lab.mount(
      tar([
        file("a", "x", { mode: 0o600, mtime: 1 }),
        hardLink("d/b", "/a", {
          mode: 0o755,
          uid: 3,
          mtime: 2,
          pax: { "SCHILY.xattr.user.x": "1" },
        }),
      ]),
    );
    const a = fs.statSync(join(root, "a"));
    assert.deepEqual([a.mode, a.uid, a.mtimeMs, a.nlink], [0o100755, 3, 2000, 2]);
    assert.equal(fs.statSync(join(root, "d/b")).ino, a.ino);
    assert.deepEqual(xattrsOf(join(root, "a")), { "user.x": "1" });
  });

  it("find their files through symlinks, and take the place of what was there", () => {
    assert.deepEqual(
      shown([
        dir("usr/"),
        file("usr/tool", "tool"),
        symlink("bin", "usr"),
        hardLink("one", "bin/tool"),
        hardLink("bin/two", "./usr/../usr/tool"),
        dir("three/"),
        hardLink("three", "one"),
      ]),
      {
        bin: "-> usr",
        one: "tool",
        three: "tool",
        "usr/": "",
        "usr/tool": "tool",
        "usr/two": "tool",
      },
    );
  });

  it("to files that aufs kept are those files", () => {
    const parts = [
      file(".wh..wh.aufs", ""),
      dir(".wh..wh.plnk/"),
      file(".wh..wh.plnk/12.34", "kept"),
      dir("d/"),
      hardLink("d/a", "/.wh..wh.plnk/12.34"),
      hardLink("b", ".wh..wh.plnk/12.34"),
    ];
    assert.deepEqual(shown(parts), { b: "kept", "d/": "", "d/a": "kept" });
  });
});

describe("folders that no entry names", () => {
  it("are 0755, root's and of 1970, unless they are named later", () => {
    const root = lab.mount(
      tar([file("a/b/c", "x"), file("a/d", "x"), dir("a/", { mode: 0o700, uid: 1, mtime: 5 })]),
    );
    const facts = (path: string) => {
      const { mode, uid, gid, mtimeMs } = fs.statSync(join(root, path));
      return [mode, uid, gid, mtimeMs];
    };
    assert.deepEqual(facts("a"), [0o040700, 1, 0, 5000]);
    assert.deepEqual(facts("a/b"), [0o040755, 0, 0, 0]);
    assert.deepEqual(facts(""), [0o040755, 0, 0, 0]);
  });

  it("are found through symlinks of the same layer, inside its root", () => {
    assert.deepEqual(
      shown([
        symlink("lib", "usr/lib"),
        dir("usr/lib/"),
        file("lib/x", "in usr"),
        symlink("var/run", "/run"),
        file("var/run/pid", "not there yet"),
        symlink("up", "../../../.."),
        file("up/top", "at the root"),
        symlink("usr/lib/back", "../../lib/deep/./"),
        file("usr/lib/back/y", "y"),
        dir("usr/lib/real/"),
        symlink("usr/lib/twice", "real"),
        file("lib/twice/z", "z"),
      ]),
      {
        lib: "-> usr/lib",
        "run/": "",
        "run/pid": "not there yet",
        top: "at the root",
        up: "-> ../../../..",
        "usr/": "",
        "usr/lib/": "",
        "usr/lib/back": "-> ../../lib/deep/./",
        "usr/lib/deep/": "",
        "usr/lib/deep/y": "y",
        "usr/lib/real/": "",
        "usr/lib/real/z": "z",
        "usr/lib/twice": "-> real",
        "usr/lib/x": "in usr",
        "var/": "",
        "var/run": "-> /run",
      },
    );
  });

  it("change as symlinks and folders come and go", () => {
    assert.deepEqual(
      shown([
        ...[dir("a/"), dir("b/"), symlink("l", "a"), file("l/1", "1")],
        ...[symlink("l", "b"), file("l/2", "2"), dir("l/"), file("l/3", "3")],
        ...[file("m/1", "1"), file("m", ""), file("n/m/1", "1"), dir("m/"), file("m/2", "2")],
      ]),
      {
        "a/": "",
        "a/1": "1",
        "b/": "",
        "b/2": "2",
        "l/": "",
        "l/3": "3",
        "m/": "",
        "m/2": "2",
        "n/": "",
        "n/m/": "",
        "n/m/1": "1",
      },
    );
  });
});

describe("whiteouts", () => {
  it("are devices 0:0 and opaque folders, as overlayfs wants them", () => {
    assert.deepEqual(
      shown([
        file(".wh.gone", ""),
        file("d/.wh.x", ""),
        dir("d/.wh.y/"),
        file("e/.wh..wh..opq", ""),
        file("e/new", "new"),
        dir("f/"),
        file("f/.wh..wh..opq", ""),
        dir("f/"),
        file(`.wh.${"n".repeat(251)}`, "", { longNames: "pax" }),
      ]),
      {
        "d/": "",
        "d/x": "whiteout",
        "d/y": "whiteout",
        "e//": "",
        "e/new": "new",
        "f//": "",
        gone: "whiteout",
        ["n".repeat(251)]: "whiteout",
      },
    );
  });

  it("hide lower layers only: what the layer itself has stays, and its folders are opaque", () => {
    assert.deepEqual(
      shown([
        ...[file("a", "a"), file(".wh.a", "")],
        ...[file(".wh.b", ""), file("b", "b")],
        ...[dir("c/"), file("c/in", "in"), file(".wh.c", "")],
        ...[file(".wh.d", ""), dir("d/")],
        ...[file(".wh.e", ""), file("e/in", "in")],
        ...[file(".wh.f", ""), file("f", "f"), dir("f/")],
        ...[file(".wh.g", ""), file(".wh.g", "")],
        ...[file(".wh.h", ""), whiteoutDevice("h")],
        ...[file(".wh.i", ""), file("i", ""), whiteoutDevice("i")],
      ]),
      {
        a: "a",
        b: "b",
        "c//": "",
        "c/in": "in",
        "d//": "",
        "e//": "",
        "e/in": "in",
        "f//": "",
        g: "whiteout",
        h: "whiteout",
        i: "whiteout",
      },
    );
  });

  it("come by their names only: devices 0:0 and attributes of overlayfs are left out", () => {
    assert.deepEqual(
      shown([
        ...[whiteoutDevice("w"), whiteoutDevice("x/w"), file("v", "v"), whiteoutDevice("v")],
        ...[whiteoutDevice("d"), file("d/in", "in")],
        ...[dir("o/", overlay("opaque")), file("r", "r", overlay("redirect"))],
        ...[file("m", "", overlay("metacopy")), file("n", "", overlay("overlay.whiteout"))],
        ...[{ name: "zero", type: "3", devMajor: 1, devMinor: 5 }],
      ]),
      { "d/": "", "d/in": "in", m: "", n: "", "o/": "", r: "r", "x/": "", zero: "device" },
    );
    const root = lab.mount(tar([dir("o/", overlay("opaque")), file("r", "", overlay("redirect"))]));
    assert.deepEqual([xattrsOf(join(root, "o")), xattrsOf(join(root, "r"))], [{}, {}]);
  });
});

describe("attributes that Linux does not keep", () => {
  it("are left out, as Docker leaves them out", () => {
    const pax = {
      "SCHILY.xattr.com.apple.provenance": "1",
      "SCHILY.xattr.system.nfs4_acl": "1",
      "SCHILY.xattr.btrfs.compression": "1",
      "SCHILY.xattr.user.kept": "1",
      "SCHILY.xattr.trusted.kept": "1",
      "SCHILY.xattr.security.kept": "1",
    };
    const root = lab.mount(
      tar([
        file("f", "", { pax }),
        dir("d/", { pax }),
        symlink("l", "f", { pax }),
        { name: "p", type: "6", pax },
      ]),
    );
    const some = { "trusted.kept": "1", "security.kept": "1" };
    const all = { "user.kept": "1", ...some };
    assert.deepEqual(
      ["f", "d", "l", "p"].map((name) => xattrsOf(join(root, name))),
      [all, all, some, some],
    );
  });
});
