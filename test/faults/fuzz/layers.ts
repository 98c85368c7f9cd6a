// SPDX-License-Identifier: Apache-2.0

/** The writer of metadata images: any layer, and what the kernel shows of each hundredth. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeErofs } from "../../../src/erofs/image.ts";
import { buildLayerTree } from "../../../src/erofs/layer-tree.ts";
import { readLayerIndex } from "../../../src/tar/layer-index.ts";
import { entryOf, made } from "../../erofs/arbitrary.ts";
import { indexOf, openLab, treeOf } from "../../erofs/lab.ts";
import { soundLayer } from "../../erofs/sound-layer.ts";
import { tar } from "../../fixtures/tar-builder.ts";
import { treeFacts, withoutTimes } from "../../helpers/tree-facts.ts";
import { mutated, mutation } from "../../tar/mutations.ts";
import { type FuzzTarget, outcome } from "./target.ts";

const mountedEach = 100;
const largestImage = 300 * 1024 * 1024;

export const erofsTarget: FuzzTarget = {
  name: "metadata images",
  open: async () => {
    let runs = 0;
    const encode = (bytes: Buffer) =>
      outcome(() => {
        const source = { tarOffset: 0, tarSize: bytes.length };
        return encodeErofs(treeOf(bytes), source).size;
      });
    return {
      property: fc.asyncProperty(
        fc.array(made, { minLength: 1, maxLength: 25 }),
        fc.array(mutation, { maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
        async (list, mutations, changes) => {
          const bytes = tar(list.map(entryOf));
          for (const size of [encode(bytes), encode(mutated(bytes, mutations))]) {
            assert.ok(typeof size === "string" || size < largestImage);
          }
          encodeFromIndex(bytes, changes);
          if (++runs % mountedEach === 0) await assertMounted(list.map(entryOf));
        },
      ),
    };
  },
};

/** An index is sealed, and its reader must live with any bytes all the same. */
function encodeFromIndex(bytes: Buffer, changes: readonly (readonly [number, number])[]): void {
  const index = outcome(() => Buffer.from(indexOf(bytes)));
  if (typeof index === "string") return;
  for (const [at, value] of changes) index[9 + (at % Math.max(1, index.length - 9))] = value;
  outcome(() => {
    const tree = buildLayerTree(readLayerIndex(index), { name: "layer" });
    assert.ok(encodeErofs(tree, { tarOffset: 0, tarSize: bytes.length }).size < largestImage);
  });
}

async function assertMounted(entries: Parameters<typeof soundLayer>[0]): Promise<void> {
  using lab = openLab();
  const folder = lab.path("docker");
  const root = lab.mount(soundLayer(entries, folder));
  const [shown, wanted] = [await treeFacts(root), await treeFacts(folder)];
  delete shown[""];
  delete wanted[""];
  assert.deepEqual(withoutTimes(shown), withoutTimes(wanted));
}
