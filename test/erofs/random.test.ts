// SPDX-License-Identifier: Apache-2.0

/** Random layers, mounted by the kernel, against GNU tar and against the rules of Docker's unpacking. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLadeError } from "../../src/base/errors.ts";
import { encodeErofs } from "../../src/erofs/image.ts";
import { buildLayerTree } from "../../src/erofs/layer-tree.ts";
import { readLayerIndex } from "../../src/tar/layer-index.ts";
import { tar } from "../fixtures/tar-builder.ts";
import { requireTool, runOrThrow } from "../helpers/tools.ts";
import { type FileFacts, treeFacts, withoutTimes } from "../helpers/tree-facts.ts";
import { entryOf, type Made, made, withoutClashes } from "./arbitrary.ts";
import { indexOf, openLab, treeOf } from "./lab.ts";
import { soundLayer } from "./sound-layer.ts";

/** Folders that no entry names have the time of unpacking. */
function comparable(all: Record<string, FileFacts>, list: readonly Made[]): unknown {
  const named = new Set(list.map((one) => one.path));
  const entries = Object.entries(all).filter(([name]) => name !== "");
  return entries.map(([name, one]) => [
    name,
    one.type === "directory" && !named.has(name) ? { ...one, mtime: "" } : one,
  ]);
}

describe("random layers", () => {
  it("are what GNU tar unpacks", async () => {
    const gnuTar = requireTool("tar", "tar");
    await fc.assert(
      fc.asyncProperty(fc.array(made, { maxLength: 40 }), async (list) => {
        using lab = openLab();
        const entries = withoutClashes(list);
        const bytes = tar(entries.map(entryOf));
        const root = lab.mount(bytes, { tarOffset: 512 * (list.length % 3) });
        const folder = lab.path("gnu");
        fs.mkdirSync(folder);
        fs.writeFileSync(lab.path("plain.tar"), bytes);
        const options = ["--xattrs", "--xattrs-include=*", "--same-owner", "--numeric-owner"];
        options.push("--delay-directory-restore");
        await runOrThrow(gnuTar, ["-C", folder, "-xpf", lab.path("plain.tar"), ...options]);
        assert.deepEqual(
          comparable(await treeFacts(root), entries),
          comparable(await treeFacts(folder), entries),
        );
      }),
      { numRuns: 30 },
    );
  });

  it("follow the rules of Docker's unpacking, whatever comes twice or through a symlink", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(made, { minLength: 2, maxLength: 30 }), async (list) => {
        using lab = openLab();
        const folder = lab.path("docker");
        const bytes = soundLayer(list.map(entryOf), folder);
        const root = lab.mount(bytes);
        const [shown, wanted] = [await treeFacts(root), await treeFacts(folder)];
        delete shown[""];
        delete wanted[""];
        assert.deepEqual(withoutTimes(shown), withoutTimes(wanted));
      }),
      { numRuns: 60 },
    );
  });

  it("give a value or an error of lade's, also from a damaged index", () => {
    fc.assert(
      fc.property(
        fc.array(made, { minLength: 1, maxLength: 8 }),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        (list, changes) => {
          const bytes = tar(withoutClashes(list).map(entryOf));
          const index = Buffer.from(indexOf(bytes));
          for (const [offset, value] of changes) index[9 + (offset % (index.length - 9))] = value;
          try {
            const tree = buildLayerTree(readLayerIndex(index), { name: "layer" });
            const image = encodeErofs(tree, { tarOffset: 0, tarSize: bytes.length });
            assert.ok(image.size < 300 * 2 ** 20);
          } catch (error) {
            assert.ok(isLadeError(error), String(error instanceof Error ? error.stack : error));
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("give the same bytes each time", () => {
    fc.assert(
      fc.property(fc.array(made, { maxLength: 40 }), (list) => {
        const bytes = tar(withoutClashes(list).map(entryOf));
        const source = { tarOffset: 0, tarSize: bytes.length };
        const first = encodeErofs(treeOf(bytes), source);
        const tree = buildLayerTree(readLayerIndex(indexOf(bytes)), { name: "layer" });
        assert.deepEqual(encodeErofs(tree, source), first);
        assert.deepEqual(encodeErofs(tree, source), first);
      }),
      { numRuns: 100 },
    );
  });
});
