// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isSoundErofs, writeErofs } from "../../src/content/erofs-files.ts";
import { buildLayerTree, type LayerTree, LayerTreeBuilder } from "../../src/erofs/layer-tree.ts";
import { mount, mountFlags, unmount } from "../../src/sys/mount.ts";
import { getXattr, listXattrs } from "../../src/sys/xattr.ts";
import { LayerIndexer, readLayerIndex } from "../../src/tar/layer-index.ts";
import { layerPath } from "../../src/tar/layer-path.ts";
import { TarScanner } from "../../src/tar/scanner.ts";
import { unmountBelow } from "../helpers/mounts.ts";

/** A folder whose layers are mounted in it; all goes with it. */
export interface ErofsLab extends Disposable {
  readonly folder: string;
  path(name: string): string;
  /** Mounts a layer and says where. */
  mount(tar: Buffer | { readonly path: string }, options?: MountOptions): string;
  unmountAll(): void;
}

export interface MountOptions {
  /** Bytes before the tar in its file. */
  readonly tarOffset?: number;
}

export function openLab(): ErofsLab {
  const folder = fs.mkdtempSync(join(tmpdir(), "lade-erofs-"));
  const end = () => {
    unmountBelow(folder);
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.on("exit", end);
  const mounted: string[] = [];
  let count = 0;
  return {
    folder,
    path: (name) => join(folder, name),
    mount(tar, { tarOffset = 0 } = {}) {
      const name = `layer-${count++}`;
      const tarPath = Buffer.isBuffer(tar) ? join(folder, `${name}.tar`) : tar.path;
      if (Buffer.isBuffer(tar)) {
        fs.writeFileSync(tarPath, Buffer.concat([Buffer.alloc(tarOffset, 0xee), tar]));
      }
      const tree = Buffer.isBuffer(tar) ? treeOf(tar) : treeOfFile(tarPath);
      const target = join(folder, `${name}.erofs`);
      const tarSize = fs.statSync(tarPath).size - tarOffset;
      writeErofs(tree, { tarPath, tarOffset, tarSize, target });
      if (!isSoundErofs(target)) throw new Error(`${target}: its seal is wrong`);
      const root = join(folder, name);
      fs.mkdirSync(root);
      mountImage(target, tarPath, root);
      mounted.push(root);
      return root;
    },
    unmountAll() {
      for (const root of mounted.splice(0)) unmount(root);
    },
    [Symbol.dispose]() {
      process.off("exit", end);
      end();
    },
  };
}

export function mountImage(image: string, tarPath: string, root: string): void {
  const data = `device=${tarPath}`;
  mount({ source: image, target: root, type: "erofs", flags: mountFlags.readOnly, data });
}

/** The tree of a layer, made as its tar is read; the same as made from the index. */
export function treeOf(tar: Buffer): LayerTree {
  const builder = new LayerTreeBuilder("layer");
  const indexer = new LayerIndexer("layer", (path, entry) => builder.add(entry, path));
  indexer.push(tar);
  indexer.finish();
  return builder.finish();
}

export function treeOfIndex(tar: Buffer): LayerTree {
  return buildLayerTree(readLayerIndex(indexOf(tar)), { name: "layer" });
}

export function indexOf(tar: Buffer): Buffer {
  const indexer = new LayerIndexer("layer");
  indexer.push(tar);
  return indexer.finish().bytes;
}

/** Reads only the headers: data may be long. */
function treeOfFile(path: string): LayerTree {
  const builder = new LayerTreeBuilder("layer");
  const scanner = new TarScanner({
    name: "layer",
    onEntry: (entry) => builder.add(entry, layerPath(entry.path, scanner.place)),
  });
  const fd = fs.openSync(path, "r");
  try {
    const block = Buffer.alloc(512);
    while (fs.readSync(fd, block, 0, 512, scanner.nextOffset) > 0) {
      scanner.skipTo(scanner.nextOffset);
      scanner.push(block);
    }
  } finally {
    fs.closeSync(fd);
  }
  return builder.finish();
}

/** All xattrs of a file, values as bytes, one character each. */
export function xattrsOf(path: string): Record<string, string> {
  const names = listXattrs(path).map((name) => name.toString("latin1"));
  return Object.fromEntries(
    names.map((name) => [name, getXattr(path, name)?.toString("latin1") ?? ""]),
  );
}
