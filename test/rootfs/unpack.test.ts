// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { mountReadOnly, type RootfsLayer, unmountRootfs } from "../../src/rootfs/rootfs.ts";
import { sweepUnpacked } from "../../src/rootfs/sweep-unpacked.ts";
import { ensureUnpacked, unpackedPath, unpackLayers } from "../../src/rootfs/unpack.ts";
import { getXattr } from "../../src/sys/xattr.ts";
import { dir, file, symlink } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { requireTool, run } from "../helpers/tools.ts";
import { type FileFacts, treeFacts, withoutTimes } from "../helpers/tree-facts.ts";
import { childPlan, drivers, openRootfsLab, type RootfsLab } from "./mount-lab.ts";
import { unpack } from "./overlay-lab.ts";
import { shapes } from "./shapes.ts";

type Facts = Record<string, FileFacts>;

/** What each driver shows of layers. */
async function factsOf(lab: RootfsLab, layers: readonly RootfsLayer[]): Promise<Facts[]> {
  const all: Facts[] = [];
  for (const driver of drivers) {
    const { folder: _, ...plan } = lab.plan("view", layers, driver);
    all.push(await treeFacts(mountReadOnly(lab.run, plan)));
    unmountRootfs(lab.run, "view");
  }
  return all;
}

describe("layers are the same, mounted and unpacked", () => {
  for (const { name, parts, differs } of shapes) {
    it(name, async () => {
      using lab = openRootfsLab();
      const bytes = tar(parts());
      const layer = lab.layer(bytes);
      const [first, ...others] = (await factsOf(lab, [layer])) as [Facts, ...Facts[]];
      for (const other of others) assert.deepEqual(other, first);
      if (differs === "everything") return;
      const folder = lab.makeFolder("gnu");
      await unpack(layer.tar.path, folder);
      const wanted = await treeFacts(folder);
      // The folder itself is ours, unless the tar names it.
      const isNamed = layer.index()[Symbol.iterator]().next().value?.path === "";
      if (!isNamed) {
        delete wanted[""];
        delete first[""];
      }
      if (differs === "times") assert.deepEqual(withoutTimes(first), withoutTimes(wanted));
      else assert.deepEqual(first, wanted);
    });
  }

  it("also where upper layers hide what lower ones have", async () => {
    using lab = openRootfsLab();
    const layers = [
      [dir("a/"), file("a/x", "1"), file("a/y", "1"), dir("b/"), file("b/x", "1"), file("c", "1")],
      [
        file(".wh.c", ""),
        file("a/.wh.x", ""),
        dir("b/"),
        file("b/.wh..wh..opq", ""),
        file("b/z", "2"),
      ],
      [dir("c/"), file("c/new", "3"), file(".wh.a", ""), file("a/again", "3")],
    ].map((parts) => lab.layer(tar(parts)));
    const [first, ...others] = (await factsOf(lab, layers)) as [Facts, ...Facts[]];
    for (const other of others) assert.deepEqual(other, first);
    assert.deepEqual(Object.keys(first).toSorted(), ["", "a", "a/again", "b", "b/z", "c", "c/new"]);
  });
});

describe("an unpacked layer", () => {
  it("has no attribute of overlayfs but lade's own", () => {
    using lab = openRootfsLab();
    const overlay = { "SCHILY.xattr.trusted.overlay.redirect": "/etc" };
    const parts = [dir("o/"), file("o/.wh..wh..opq", ""), file("f", "x", { pax: overlay })];
    const path = ensureUnpacked(lab.unpackedRoot, lab.layer(tar(parts)));
    assert.equal(getXattr(join(path, "f"), "trusted.overlay.redirect"), undefined);
    assert.equal(getXattr(join(path, "o"), "trusted.overlay.opaque")?.toString(), "y");
    assert.deepEqual(fs.readdirSync(join(path, "o")), []);
  });

  it("is made once, taken away, and made again", async () => {
    using lab = openRootfsLab();
    let reads = 0;
    const layer = lab.layer(tar([file("f", "x")]));
    const index = () => {
      reads++;
      return layer.index();
    };
    const counted = { ...layer, index };
    sweepUnpacked(lab.run, lab.unpackedRoot, () => false);
    const path = ensureUnpacked(lab.unpackedRoot, counted);
    ensureUnpacked(lab.unpackedRoot, counted);
    await unpackLayers(lab.unpackedRoot, [counted]);
    assert.equal(reads, 1);
    sweepUnpacked(lab.run, lab.unpackedRoot, (key) => key === layer.key);
    assert.ok(fs.existsSync(path));
    mountReadOnly(lab.run, lab.plan("c", [layer], "unpacked"));
    sweepUnpacked(lab.run, lab.unpackedRoot, () => false);
    assert.ok(fs.existsSync(path));
    unmountRootfs(lab.run, "c");
    fs.mkdirSync(`${path}.tmp/tree`, { recursive: true });
    fs.mkdirSync(join(lab.unpackedRoot, ".gone-1"));
    sweepUnpacked(lab.run, lab.unpackedRoot, () => false);
    assert.deepEqual(fs.readdirSync(lab.unpackedRoot), []);
    await unpackLayers(lab.unpackedRoot, [counted]);
    assert.equal(fs.readFileSync(join(path, "f"), "utf8"), "x");
  });

  it("is whole or not there: damaged tars, full disks, aborts", async () => {
    using lab = openRootfsLab();
    const parts = Array.from({ length: 2000 }, (_, index) => file(`f${index}`, "x"));
    const layer = lab.layer(tar(parts));
    const short = { ...layer, tar: { ...layer.tar, size: 100_000 } };
    assert.throws(() => ensureUnpacked(lab.unpackedRoot, short), { code: "STORE_DAMAGED" });
    assert.deepEqual(fs.readdirSync(lab.unpackedRoot), []);
    fs.truncateSync(layer.tar.path, 100_000);
    assert.throws(() => ensureUnpacked(lab.unpackedRoot, layer), { code: "STORE_DAMAGED" });
    const gone = { ...layer, tar: { ...layer.tar, path: join(lab.folder, "none") } };
    assert.throws(() => ensureUnpacked(lab.unpackedRoot, gone), { code: "IO_FAILED" });
    const big = lab.layer(tar([...parts, file("last", "x")]));
    const abort = new AbortController();
    const unpacking = unpackLayers(lab.unpackedRoot, [big], abort.signal);
    setImmediate(() => abort.abort());
    await assert.rejects(unpacking, { name: "AbortError" });
    assert.deepEqual(fs.readdirSync(lab.unpackedRoot), []);
    await unpackLayers(lab.unpackedRoot, [big]);
    assert.equal(fs.readdirSync(unpackedPath(lab.unpackedRoot, big.key)).length, 2001);
  });

  it("survives what a killed process left, without touching what that points to", () => {
    using lab = openRootfsLab();
    const layer = lab.layer(tar([file("f", "x")]));
    const victim = lab.makeFolder("victim");
    fs.writeFileSync(join(victim, "precious"), "1");
    const unfinished = join(lab.unpackedRoot, `${layer.key}.tmp`);
    fs.mkdirSync(join(unfinished, "tree"), { recursive: true });
    fs.symlinkSync(victim, join(unfinished, "tree", "f"));
    fs.symlinkSync(victim, join(unfinished, "links"));
    const path = ensureUnpacked(lab.unpackedRoot, layer);
    assert.equal(fs.readFileSync(join(path, "f"), "utf8"), "x");
    assert.deepEqual(fs.readdirSync(victim), ["precious"]);
    assert.equal(fs.existsSync(unfinished), false);
  });

  it("goes with all that it holds, however deep and whatever its names", () => {
    using lab = openRootfsLab();
    const deep = "deep".repeat(60);
    const parts = [
      file(`${`${deep}/`.repeat(15)}f`, "x", { longNames: "pax" }),
      { ...file("", "x"), name: Buffer.from("\xff\xfe", "latin1") },
      symlink("out", lab.folder),
      dir("closed/", { mode: 0 }),
      file("closed/f", "x"),
    ];
    const layer = lab.layer(tar(parts));
    ensureUnpacked(lab.unpackedRoot, layer);
    sweepUnpacked(lab.run, lab.unpackedRoot, () => false);
    assert.deepEqual(fs.readdirSync(lab.unpackedRoot), []);
    assert.ok(fs.existsSync(layer.tar.path));
  });

  it("is made by one of many processes", async () => {
    using lab = openRootfsLab();
    const child = join(import.meta.dirname, "unpack-child.ts");
    const parts = Array.from({ length: 3000 }, (_, index) => file(`f${index}`, "x"));
    const layer = lab.layer(tar(parts));
    const plan = join(lab.folder, "plan.json");
    fs.writeFileSync(plan, JSON.stringify(childPlan(lab, lab.plan("c", [layer]), [])));
    const kills = [5, 20, 60].map((ms) =>
      run(requireTool("timeout", "coreutils"), [
        ...["-s", "KILL", String(0.1 + ms / 1000), process.execPath, child, plan],
      ]),
    );
    const ends = [1, 2, 3].map(() => run(process.execPath, [child, plan]));
    await Promise.all(kills);
    for (const { code, stderr } of await Promise.all(ends)) assert.equal(code, 0, stderr);
    assert.equal(fs.readdirSync(unpackedPath(lab.unpackedRoot, layer.key)).length, 3000);
    assert.deepEqual(fs.readdirSync(lab.unpackedRoot).toSorted(), [layer.key]);
  });
});
