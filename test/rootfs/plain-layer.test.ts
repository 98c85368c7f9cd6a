// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLadeError } from "../../src/base/errors.ts";
import { buildLayerTree } from "../../src/erofs/layer-tree.ts";
import { treeOfLayer } from "../../src/rootfs/merged-tree.ts";
import { plainLayerTree } from "../../src/rootfs/plain-layer.ts";
import { type FolderNode, walkTree } from "../../src/rootfs/tree.ts";
import type { TarEntry } from "../../src/tar/entry.ts";
import { appLayer, dir, file, hardLink, symlink } from "../fixtures/sample-image.ts";
import { type TarEntry as NewEntry, tar } from "../fixtures/tar-builder.ts";
import { entriesOf } from "./overlay-lab.ts";

/** Everything of a tree, and which names are one file. */
function listed(tree: FolderNode): unknown {
  const first = new Map<unknown, string>();
  const { children: _, ...root } = tree;
  const nodes = [...walkTree(tree)].map(({ path, node }) => {
    const { children, ...facts } = node;
    if (!first.has(node)) first.set(node, path);
    return { path, ...facts, isFolder: children !== undefined, same: first.get(node) };
  });
  return { root, nodes };
}

function treesOf(entries: readonly TarEntry[]) {
  return {
    plain: plainLayerTree(entries, 3),
    whole: () => treeOfLayer(buildLayerTree(entries, { name: "layer" }), 3),
  };
}

/** @returns whether the layer was plain */
function assertSame(entries: readonly TarEntry[]): boolean {
  const { plain, whole } = treesOf(entries);
  if (plain === undefined) return false;
  assert.deepEqual(listed(plain), listed(whole()));
  return true;
}

/** Few names, so that they meet. */
const names = ["a", "b", "a/b", "a/c", "a/b/d", ".wh.a", "a/.wh..wh..opq", "a/.wh.b", "link/x"];
const path = fc.constantFrom(...names);
const common = { mode: fc.constantFrom(0o644, 0o4755), uid: fc.constantFrom(0, 70_000) };
const entry: fc.Arbitrary<NewEntry> = fc.oneof(
  fc.record({ name: path.map((name) => `${name}/`), type: fc.constant("5"), ...common }),
  fc.record({ name: path.map((name) => `${name}/`), type: fc.constant("5"), ...common }),
  fc.record({ name: path, body: fc.string(), ...common }),
  fc.record({ name: path, type: fc.constant("1"), linkName: path, ...common }),
  fc.record({ name: fc.constantFrom("link", "b"), type: fc.constant("2"), linkName: path }),
  fc.record({
    name: path,
    type: fc.constantFrom("3", "4", "6"),
    devMajor: fc.integer({ min: 0, max: 1 }),
    devMinor: fc.integer({ min: 0, max: 1 }),
  }),
  fc.record({
    name: path,
    pax: fc.constantFrom(
      { "SCHILY.xattr.user.b": "1", "SCHILY.xattr.user.a": "2" },
      { "SCHILY.xattr.trusted.overlay.opaque": "y" },
      { mtime: "-1.5" },
    ),
  }),
);

describe("the tree of a layer that has nothing unusual", () => {
  it("is the tree that any layer has", () => {
    let plain = 0;
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), (members) => {
        const entries = entriesOf(tar(members));
        try {
          if (assertSame(entries)) plain++;
        } catch (error) {
          // What the other refuses was refused when the layer came into the store.
          if (!isLadeError(error)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
    assert.ok(plain > 200, `only ${plain} layers were plain`);
  });

  it("is used for what images are made of", () => {
    const members = [
      dir("./", { mode: 0o750 }),
      dir("usr/", { mtime: 5 }),
      file("usr/tool", "tool", { mode: 0o6755, pax: { "SCHILY.xattr.security.capability": "x" } }),
      hardLink("usr/alias", "usr/tool", { mode: 0o6755 }),
      symlink("bin", "usr"),
    ];
    assert.ok(assertSame(entriesOf(tar(members.map((member) => ({ ...member, mtime: 5 }))))));
  });

  it("is left to the other where a layer has anything else", () => {
    assert.equal(plainLayerTree(entriesOf(appLayer().tar), 0), undefined);
    const odd: readonly (readonly NewEntry[])[] = [
      [file("implied/file", "x")],
      [file("twice", "1"), file("twice", "2")],
      [dir("a/"), dir("a/")],
      [symlink("lib", "usr"), file("lib/x", "x")],
      [file(".wh.gone", "")],
      [dir("a/"), dir("./")],
      [file("a", "x"), hardLink("b", "a", { mode: 0o777 })],
      [{ name: "null", type: "3", devMajor: 0, devMinor: 0 }],
    ];
    for (const members of odd) assert.equal(plainLayerTree(entriesOf(tar(members)), 0), undefined);
  });
});
