// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isLadeError } from "../../src/base/errors.ts";
import { mountReadOnly, unmountRootfs } from "../../src/rootfs/rootfs.ts";
import { dir, file, hardLink, symlink } from "../fixtures/sample-image.ts";
import { type TarEntry, tar } from "../fixtures/tar-builder.ts";
import { drivers, openRootfsLab, type RootfsLab } from "./mount-lab.ts";

type Parts = readonly TarEntry[];

interface Hostile {
  /** The row of the table of known attacks. */
  readonly row: string;
  /**
   * One list for each layer.
   *
   * @param victim absolute path of a folder outside that holds `secret`
   */
  readonly layers: (victim: string) => readonly Parts[];
  /** A path inside the root where the file is to be found; refused where undefined. */
  readonly inside?: string;
}

const x = (name: string) => file(name, "evil", { mode: 0o777 });

const table: readonly Hostile[] = [
  ...["../v", "/../v", "a/../../v", "..", "../victim/new"].map((name) => ({
    row: `P1 ${name}`,
    layers: () => [[x(name)]],
  })),
  { row: "P2", layers: () => [[x("////etc/x")]], inside: "etc/x" },
  {
    row: "P3 relative",
    layers: () => [[symlink("l", "../victim"), x("l/new")]],
    inside: "victim/new",
  },
  {
    row: "P3 absolute",
    layers: (victim) => [[symlink("l", victim), x("l/secret")]],
    inside: "VICTIM/secret",
  },
  {
    row: "P4",
    layers: () => [
      [
        dir("inner/"),
        symlink("inner/go_up", ".."),
        symlink("inner/go_up/escape", "../victim"),
        x("inner/go_up/escape/new"),
      ],
    ],
    inside: "victim/new",
  },
  {
    row: "P5",
    layers: () => [
      [
        dir("a/b/c/"),
        symlink("a/b/c/up", "../.."),
        symlink("a/b/escape", "c/up/../.."),
        hardLink("exfil", "a/b/escape/victim/secret"),
      ],
    ],
  },
  {
    row: "P6",
    layers: (victim) => [[dir("d/"), symlink("d", victim), x("d/x")]],
    inside: "VICTIM/x",
  },
  ...["/etc/passwd", "../victim/secret", "secret"].map((target) => ({
    row: `P7 ${target}`,
    layers: () => [[hardLink("h", target)]],
  })),
  {
    row: "P7 the victim itself",
    layers: (victim) => [[hardLink("h", `${victim}/secret`), x("h")]],
  },
  {
    row: "P9",
    layers: (victim) => [
      [symlink("s", `${victim}/secret`), hardLink("h", "s", { mode: 0o777, uid: 7 })],
    ],
    inside: "h",
  },
  {
    row: "P10",
    layers: (victim) => [[symlink("foo", victim), dir("foo/", { mode: 0o777 }), x("foo/new")]],
    inside: "foo/new",
  },
  ...[".", "/", "..", ""].map((name) => ({
    row: `P11 ${JSON.stringify(name)}`,
    layers: (victim: string) => [[symlink(name, victim), x("new")]],
  })),
  { row: "P12", layers: () => [[hardLink("h", "../unpacked-evil/secret")]] },
  {
    row: "P13",
    layers: (victim) => [
      [symlink("x", "../../.."), symlink("y", victim)],
      [x("x/new"), x("y/new")],
    ],
    inside: "x/new",
  },
  { row: "P15", layers: (victim) => [[x(`${victim}/secret`)]], inside: "VICTIM/secret" },
  { row: "P16", layers: () => [[x("C:../x"), x("a\\..\\x")]], inside: "a\\..\\x" },
  { row: "P17 self", layers: () => [[hardLink("h", "h")]] },
  { row: "P17 forward", layers: () => [[hardLink("h", "later"), x("later")]] },
  { row: "P17 cycle", layers: () => [[hardLink("a", "b"), hardLink("b", "a")]] },
  { row: "P17 parent is a file", layers: () => [[x("f"), x("f/x")]] },
  { row: "P17 parent is a fifo", layers: () => [[{ name: "p", type: "6" }, x("p/x")]] },
  ...[".wh.", ".wh..", ".wh..."].flatMap((name) => [
    { row: `W1 ${name}`, layers: () => [[x(name)]] },
    { row: `W1 d/${name}`, layers: () => [[dir("d/"), x(`d/${name}`)]] },
  ]),
  {
    row: "W2 through a link",
    layers: (victim) => [[symlink("link", victim), x("link/.wh.secret"), x("kept")]],
    inside: "kept",
  },
  { row: "W2 with dots", layers: () => [[x("dne/../../.wh.victim")]] },
  {
    row: "W3",
    layers: (victim) => [
      [
        dir("d/", { pax: { "SCHILY.xattr.trusted.overlay.redirect": victim } }),
        file("f", "x", { pax: { "SCHILY.xattr.trusted.overlay.metacopy": "" } }),
        { name: "chr", type: "3", devMajor: 0, devMinor: 0 },
        x("d/new"),
      ],
    ],
    inside: "d/new",
  },
];

/** Everything outside of lade's own folders, with times, modes and content. */
function outside(lab: RootfsLab): unknown {
  return fs
    .readdirSync(lab.folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !/^(?:run|store)(?:\/|$)/.test(name))
    .toSorted()
    .map((name) => {
      const path = join(lab.folder, name);
      const { mode, uid, gid, size, ino, nlink, mtimeNs, ctimeNs } = fs.lstatSync(path, {
        bigint: true,
      });
      const status = [mode, uid, gid, size, ino, nlink, mtimeNs, ctimeNs];
      return [name, status, fs.lstatSync(path).isFile() && fs.readFileSync(path)];
    });
}

describe("a layer reaches nothing outside", () => {
  for (const { row, layers, inside } of table) {
    it(row, () => {
      using lab = openRootfsLab();
      const victim = lab.makeFolder("victim");
      fs.writeFileSync(join(victim, "secret"), "precious", { mode: 0o640 });
      lab.makeFolder("unpacked-evil");
      fs.writeFileSync(join(lab.folder, "unpacked-evil", "secret"), "sibling");
      const before = outside(lab);
      for (const driver of drivers) {
        const made = () => {
          const plan = lab.plan(
            "view",
            layers(victim).map((parts) => lab.layer(tar(parts))),
            driver,
          );
          return mountReadOnly(lab.run, plan);
        };
        if (inside === undefined) {
          assert.throws(made, (error) => isLadeError(error) && error.kind === "invalid", driver);
        } else {
          const root = made();
          const path = join(root, inside.replace("VICTIM", victim.slice(1)));
          assert.ok(fs.lstatSync(path), `${driver}: ${inside}`);
          if (fs.lstatSync(path).isFile()) assert.equal(fs.readFileSync(path, "utf8"), "evil");
          unmountRootfs(lab.run, "view");
        }
        assert.deepEqual(outside(lab), before, driver);
      }
    });
  }
});
