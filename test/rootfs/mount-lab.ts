// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { encodeErofs } from "../../src/erofs/image.ts";
import { buildLayerTree } from "../../src/erofs/layer-tree.ts";
import type { RootfsDriver, RootfsLayer, RootfsPlan } from "../../src/rootfs/rootfs.ts";
import { type RunPaths, runPaths } from "../../src/rootfs/run-paths.ts";
import { mountPoints } from "../../src/sys/mount.ts";
import { digestOf } from "../fixtures/digests.ts";
import { entriesOf, type MountLab, openMountLab } from "./overlay-lab.ts";

export const drivers: readonly RootfsDriver[] = ["erofs", "erofs-loop", "unpacked"];

/** What `mount-child.ts` does, as it lies in a file. */
export interface ChildPlan extends Omit<RootfsPlan, "layers"> {
  readonly runRoot: string;
  readonly layers: readonly (Pick<RootfsLayer, "key" | "tar"> & { readonly erofs: string })[];
  /** The names in its root; each file holds its name. */
  readonly expected: readonly string[];
}

export function childPlan(
  lab: RootfsLab,
  plan: RootfsPlan,
  expected: readonly string[],
): ChildPlan {
  const layers = plan.layers.map(({ key, tar, erofs }) => ({ key, tar, erofs: erofs() }));
  return { ...plan, layers, runRoot: lab.run.root, expected };
}

/** A run root and a store's folders, gone with all mounts when it is disposed of. */
export interface RootfsLab extends MountLab {
  readonly run: RunPaths;
  readonly unpackedRoot: string;
  plan(containerId: string, layers: readonly RootfsLayer[], driver?: RootfsDriver): RootfsPlan;
  layer(tar: Buffer): RootfsLayer;
}

export function openRootfsLab(): RootfsLab {
  const lab = openMountLab();
  const unpackedRoot = join(lab.folder, "store", "unpacked");
  return {
    ...lab,
    [Symbol.dispose]: () => lab[Symbol.dispose](),
    run: runPaths(join(lab.folder, "run")),
    unpackedRoot,
    plan: (containerId, layers, driver = "erofs") => ({
      containerId,
      layers,
      driver,
      unpackedRoot,
      folder: lab.makeFolder(join("store", "containers", containerId)),
    }),
    layer: (tar) => layerOf(lab.makeFolder(join("store", "layers")), tar),
  };
}

/** A tar as a layer, with its EROFS image made when it is first asked for. */
export function layerOf(folder: string, tar: Buffer): RootfsLayer {
  const key = digestOf(tar).replace("sha256:", "");
  const path = join(folder, `${key}.tar`);
  fs.writeFileSync(path, tar);
  return layerAt(path, { key, offset: 0, tar });
}

/** A tar that lies in a file, from an offset on. */
export function layerAt(
  path: string,
  { key, offset, tar }: { readonly key: string; readonly offset: number; readonly tar: Buffer },
): RootfsLayer {
  return {
    key,
    tar: { path, offset, size: tar.length },
    index: () => entriesOf(tar),
    erofs: () => {
      const image = `${path}.${offset}.erofs`;
      if (!fs.existsSync(image)) fs.writeFileSync(image, erofsImage(tar, offset));
      return image;
    },
  };
}

function erofsImage(tar: Buffer, tarOffset: number): Buffer {
  const tree = buildLayerTree(entriesOf(tar), { name: "layer" });
  const { pieces } = encodeErofs(tree, { tarOffset, tarSize: tar.length });
  return Buffer.concat(
    pieces.map((piece) => {
      if (Buffer.isBuffer(piece)) return piece;
      if ("zeros" in piece) return Buffer.alloc(piece.zeros);
      return tar.subarray(piece.copyFrom, piece.copyFrom + piece.size);
    }),
  );
}

/** What is mounted below the lab's folder, by paths in it. */
export function mountsOf(lab: RootfsLab): string[] {
  return mountPoints()
    .filter((point) => point.startsWith(`${lab.folder}/`))
    .map((point) => point.slice(lab.folder.length + 1));
}

/** Nothing is mounted, and the run root holds nothing but its own folders. */
export function assertClean(lab: RootfsLab): void {
  assert.deepEqual(mountsOf(lab), []);
  assert.deepEqual(fs.readdirSync(lab.run.layers), []);
  assert.deepEqual(fs.readdirSync(lab.run.layerUsers), []);
  assert.deepEqual(fs.readdirSync(lab.run.containers), []);
}
