// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { encodeErofs } from "../erofs/image.ts";
import { buildLayerTree } from "../erofs/layer-tree.ts";
import { removeAll } from "../sys/remove-all.ts";
import type { TarEntry } from "../tar/entry.ts";
import type { DriverPlaces } from "./driver.ts";
import type { RootfsDriver } from "./plan.ts";
import { mountRootfs, unmountRootfs } from "./rootfs.ts";
import { containerRunFolder } from "./run-paths.ts";

/**
 * Mounts a layer of one file under a place for changes, reads the one and writes to the other.
 *
 * In the store itself, since not every file system can lie below EROFS or hold an overlay's upper
 * folder.
 *
 * @throws LadeError with what the kernel said
 */
export function probeDriver(driver: RootfsDriver, { run, storeRoot }: DriverPlaces): void {
  // One folder of that name: a probe that was killed leaves nothing for long.
  const folder = join(storeRoot, "probe");
  const containerId = `${probePrefix}${randomUUID()}`;
  removeProbe(storeRoot);
  fs.mkdirSync(folder, { mode: 0o700 });
  try {
    const tar = { path: join(folder, "layer.tar"), offset: 0, size: content.length };
    fs.writeFileSync(tar.path, content);
    const erofs = () => writeImage(join(folder, "layer.erofs"));
    const layers = [{ key: containerId, tar, index: () => [entry], erofs }];
    const root = mountRootfs(run, { containerId, layers, folder, driver, unpackedRoot: folder });
    const found = fs.readFileSync(join(root, name));
    if (!found.equals(content)) throw new Error("a layer's file has other bytes than its tar");
    fs.mkdirSync(join(root, "folder"));
  } finally {
    unmountRootfs(run, containerId);
    removeFolders(containerRunFolder(run, containerId));
    removeAll(folder);
  }
}

/** Of a probe that failed before it mounted anything. */
function removeFolders(folder: string): void {
  for (const path of [join(folder, "rootfs"), folder]) {
    if (fs.existsSync(path)) fs.rmdirSync(path);
  }
}

const probePrefix = "probe-";

/** Whether a folder beside those of containers is a probe's. */
export function isProbe(containerId: string): boolean {
  return containerId.startsWith(probePrefix);
}

/** Removes what a probe that was killed left in a store, once nothing is mounted over it. */
export function removeProbe(storeRoot: string): void {
  removeAll(join(storeRoot, "probe"));
}

const name = "file";
const content: Buffer = Buffer.alloc(1024, "lade");

const entry: TarEntry = {
  path: name,
  linkPath: "",
  type: "file",
  mode: 0o600,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  mtimeNanoseconds: 0,
  size: content.length,
  dataOffset: 0,
  storedSize: content.length,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: [],
  sparse: undefined,
};

function writeImage(path: string): string {
  const tree = buildLayerTree([entry], { name: "probe" });
  const { pieces } = encodeErofs(tree, { tarOffset: 0, tarSize: content.length });
  // Nothing of so plain a file has to be copied into the image.
  fs.writeFileSync(path, Buffer.concat(pieces.filter((piece) => Buffer.isBuffer(piece))));
  return path;
}
