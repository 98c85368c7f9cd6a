// SPDX-License-Identifier: Apache-2.0

/** Makes the image of a layer of a million files, and says how much memory that took. */

import { encodeErofs } from "../../src/erofs/image.ts";
import { LayerTreeBuilder } from "../../src/erofs/layer-tree.ts";
import type { TarEntry } from "../../src/tar/entry.ts";

const files = 1_000_000;
const perFolder = 1000;
const builder = new LayerTreeBuilder("layer");

function add(path: string, type: "file" | "directory", index: number): void {
  const entry: TarEntry = {
    path,
    type,
    linkPath: "",
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeSeconds: 1_700_000_000 + index,
    mtimeNanoseconds: 0,
    size: 10,
    dataOffset: index * 1024,
    storedSize: 10,
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: [],
    sparse: undefined,
  };
  builder.add(entry, path);
}

for (let index = 0; index < files; index++) {
  const folder = `usr/share/package-${String(Math.floor(index / perFolder)).padStart(4, "0")}`;
  if (index % perFolder === 0) add(folder, "directory", index);
  add(`${folder}/some-file-name-${String(index).padStart(7, "0")}.txt`, "file", index);
}
const image = encodeErofs(builder.finish(), { tarOffset: 0, tarSize: files * 1024 });
const { maxRSS } = process.resourceUsage();
process.stdout.write(JSON.stringify({ size: image.size, memory: maxRSS * 1024 }));
