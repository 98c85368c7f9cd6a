// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { initTree } from "../../src/rootfs/init-layer.ts";
import { mergeLayers, overlayTrees } from "../../src/rootfs/merged-tree.ts";
import { mountRootfs, unmountRootfs } from "../../src/rootfs/rootfs.ts";
import { partSource } from "../../src/rootfs/tar-stream.ts";
import { walkTree } from "../../src/rootfs/tree.ts";
import { treeTarParts } from "../../src/rootfs/tree-tar.ts";
import { dir, file, hardLink, symlink } from "../fixtures/sample-image.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { treeFacts } from "../helpers/tree-facts.ts";
import { assertClean, openRootfsLab } from "./mount-lab.ts";
import { entriesOf, readAll, unpack } from "./overlay-lab.ts";

const madeMs = 1_700_000_000_123;

/** Images with more or less of what the init layer brings. */
const images: Readonly<Record<string, readonly Buffer[]>> = {
  empty: [],
  plain: [tar([dir("etc/", { mode: 0o750, uid: 5 }), file("etc/hosts", "own"), dir("proc/")])],
  "of two layers": [
    tar([dir("dev/"), dir("dev/pts/", { mode: 0o700 }), file("etc/hostname", "own")]),
    tar([file("dev/.wh.pts", ""), dir("etc/", { mode: 0o711, uid: 7 }), file("sys", "a file")]),
  ],
  "with an opaque folder": [
    tar([dir("dev/"), dir("dev/shm/", { mode: 0o1777 }), file("dev/console", "x")]),
    tar([dir("dev/"), file("dev/.wh..wh..opq", "")]),
  ],
  "with links and folders in the way": [
    tar([
      symlink("etc", "/usr/etc"),
      dir("usr/etc/"),
      dir("dev/"),
      dir("dev/console/"),
      file("dev/shm", "x"),
      hardLink("dev/other", "dev/shm"),
      symlink(".dockerenv", "/usr/etc"),
    ]),
  ],
};

describe("the layer with what every container has", () => {
  for (const [name, tars] of Object.entries(images)) {
    it(`is the same mounted and as a tree, on an image ${name}`, async () => {
      using lab = openRootfsLab();
      const layers = tars.map((bytes) => lab.layer(bytes));
      const root = mountRootfs(lab.run, { ...lab.plan("one", layers), createdMs: madeMs });
      const mounted = await treeFacts(root);
      unmountRootfs(lab.run, "one");
      assertClean(lab);
      const image = mergeLayers(
        tars.map((bytes) => ({ name: "layer", index: () => entriesOf(bytes) })),
      );
      const tree = overlayTrees([image, initTree(image, madeMs)]);
      const files = layers.map((layer) => ({
        file: { fd: fs.openSync(layer.tar.path, "r") },
        offset: 0,
        place: "layer",
      }));
      const parts = treeTarParts(walkTree(tree), { layers: files });
      const path = lab.path("tree.tar");
      fs.writeFileSync(path, await readAll(partSource(parts)));
      for (const one of files) fs.closeSync(one.file.fd);
      const unpacked = join(lab.folder, "unpacked");
      await unpack(path, unpacked);
      const { "": _, ...facts } = await treeFacts(unpacked);
      const { "": __, ...wanted } = mounted;
      assert.deepEqual(facts, wanted);
      assert.deepEqual(facts["etc/mtab"]?.target, "/proc/mounts");
    });
  }

  it("leaves no change in the container's upper folder", () => {
    using lab = openRootfsLab();
    const plan = lab.plan("one", [lab.layer(tar([dir("etc/")]))]);
    const root = mountRootfs(lab.run, { ...plan, createdMs: madeMs });
    assert.deepEqual(fs.readdirSync(join(root, "etc")).sort(), [
      "hostname",
      "hosts",
      "mtab",
      "resolv.conf",
    ]);
    assert.equal(fs.statSync(join(root, ".dockerenv")).mtimeMs, madeMs);
    unmountRootfs(lab.run, "one");
    assert.deepEqual(fs.readdirSync(join(plan.folder, "upper")), []);
  });
});
