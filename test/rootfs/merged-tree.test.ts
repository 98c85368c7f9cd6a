// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { layerTar } from "../../src/rootfs/layer-writer.ts";
import { mergeLayers, overlayTrees } from "../../src/rootfs/merged-tree.ts";
import { partSource } from "../../src/rootfs/tar-stream.ts";
import { type FolderNode, nodeAt, walkTree } from "../../src/rootfs/tree.ts";
import { treeTarParts } from "../../src/rootfs/tree-tar.ts";
import { dir, file, hardLink, symlink } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { sampleChunks, sparseMember } from "../fixtures/tar-sparse.ts";
import { treeFacts } from "../helpers/tree-facts.ts";
import {
  entriesOf,
  type MountLab,
  mountOverlay,
  openMountLab,
  openUpper,
  readAll,
  unpack,
} from "./overlay-lab.ts";
import { apply, type Change, change } from "./random-changes.ts";

/** Writes a tree of layers that lie in files, and an upper folder, as one tar. */
async function writeTree(
  lab: MountLab,
  tree: FolderNode,
  from: { readonly tars: readonly string[]; readonly upperFd?: number },
): Promise<string> {
  const fds = from.tars.map((path) => fs.openSync(path, "r"));
  const layers = fds.map((fd, index) => ({ file: { fd }, offset: 0, place: `layer ${index}` }));
  const bytes = await readAll(
    partSource(treeTarParts(walkTree(tree), { layers, upperFd: from.upperFd })),
    10_000,
  );
  for (const fd of fds) fs.closeSync(fd);
  const path = lab.path("tree.tar");
  fs.writeFileSync(path, bytes);
  return path;
}

function mergeTars(tars: readonly Buffer[]): FolderNode {
  return mergeLayers(
    tars.map((bytes, index) => ({ name: `layer ${index}`, index: () => entriesOf(bytes) })),
  );
}

/** Runs changes in real overlays, one on top of the other, and writes each upper as a layer. */
async function assertSameAsKernel(steps: readonly (readonly Change[])[]): Promise<void> {
  using lab = openMountLab();
  const lowers = [lab.makeFolder("base")];
  const tars: Buffer[] = [];
  const paths: string[] = [];
  for (const [index, changes] of steps.entries()) {
    const overlay = await mountOverlay(lab, `step-${index}`, lowers);
    for (const one of changes) apply(overlay.merged, one);
    using upper = openUpper(overlay.upper);
    const bytes = await readAll(layerTar(upper.tree, upper.fd));
    tars.push(bytes);
    paths.push(lab.path(`${index}.tar`));
    fs.writeFileSync(paths[index] as string, bytes);
    // The root folder's own times and owner are not part of a layer.
    const wanted = await treeFacts(overlay.merged);
    const fromLayers = lab.path(`from-layers-${index}`);
    await unpack(await writeTree(lab, mergeTars(tars), { tars: paths }), fromLayers);
    assert.deepEqual(withoutRoot(await treeFacts(fromLayers)), withoutRoot(wanted));
    // The same with the last step as a container's upper folder.
    const lower = mergeTars(tars.slice(0, -1));
    const tree = overlayTrees([lower, upper.tree]);
    const fromUpper = lab.path(`from-upper-${index}`);
    const mixed = { tars: paths.slice(0, -1), upperFd: upper.fd };
    await unpack(await writeTree(lab, tree, mixed), fromUpper);
    assert.deepEqual(withoutRoot(await treeFacts(fromUpper)), withoutRoot(wanted));
    await overlay.unmount();
    lowers.push(overlay.upper);
  }
}

function withoutRoot<T>(facts: Readonly<Record<string, T>>): Record<string, T> {
  const { "": _, ...rest } = facts;
  return rest as Record<string, T>;
}

describe("layers merged to one tree", () => {
  it("are what the kernel's overlay shows, for any changes", async () => {
    const changes = fc.array(fc.array(change, { minLength: 1, maxLength: 12 }), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(changes, (steps) => assertSameAsKernel(steps)),
      { numRuns: 8 },
    );
  });

  it("take what overlayfs can do to a folder", async () => {
    const write = (path: string): Change => ({ type: "write", path, text: path, mode: 0o644 });
    await assertSameAsKernel([
      [{ type: "folder", path: "a/b", mode: 0o755 }, write("a/b/c"), write("a/x y"), write("b")],
      [
        { type: "remove", path: "a" },
        { type: "folder", path: "a", mode: 0o700 },
        write("a/c"),
        { type: "remove", path: "b" },
        { type: "folder", path: "b", mode: 0o755 },
        write("b/a"),
      ],
      [
        { type: "remove", path: "b" },
        write("b"),
        { type: "link", path: "c", other: "b" },
        { type: "rename", path: "a/a", other: "a/c" },
      ],
    ]);
  });

  it("have implied folders, hard links, and the last of a path that comes twice", () => {
    const layer = tar([
      file("deep/er/file", "x"),
      file("twice", "first"),
      hardLink("link", "twice"),
      file("twice", "second"),
      symlink("run", "var/run"),
      dir("var/run/", { mode: 0o700 }),
      file("run/pid", "1"),
    ]);
    const tree = mergeTars([layer]);
    assert.equal(nodeAt(tree, "deep/er")?.mode, 0o755);
    assert.equal(nodeAt(tree, "twice")?.size, 6);
    assert.equal(nodeAt(tree, "link")?.size, 5);
    assert.equal(nodeAt(tree, "var/run/pid")?.type, "file");
  });

  it("give sparse files whole", async () => {
    using lab = openMountLab();
    const sparse = { name: "disk", realSize: 300_000, chunks: sampleChunks() };
    const bytes = tar([sparseMember({ ...sparse, form: "pax-1.0" }), file("after", "after")]);
    const path = lab.path("layer.tar");
    fs.writeFileSync(path, bytes);
    const out = lab.path("out");
    await unpack(await writeTree(lab, mergeTars([bytes]), { tars: [path] }), out);
    const wanted = lab.path("wanted");
    await unpack(path, wanted);
    assert.deepEqual(withoutRoot(await treeFacts(out)), withoutRoot(await treeFacts(wanted)));
  });
});
