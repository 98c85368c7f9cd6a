// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ByteSource } from "../../src/base/bytes.ts";
import type { FolderNode } from "../../src/rootfs/tree.ts";
import { scanUpper } from "../../src/rootfs/upper.ts";
import type { TarEntry } from "../../src/tar/entry.ts";
import { LayerIndexer, readLayerIndex } from "../../src/tar/layer-index.ts";
import { unmountBelow } from "../helpers/mounts.ts";
import { requireTool, runOrThrow } from "../helpers/tools.ts";

/** A folder for mounts, which go with it. */
export interface MountLab extends Disposable {
  readonly folder: string;
  path(name: string): string;
  /** Makes an empty folder. */
  makeFolder(name: string): string;
}

export function openMountLab(): MountLab {
  const folder = fs.mkdtempSync(join(tmpdir(), "lade-tree-"));
  const end = () => {
    unmountBelow(folder);
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.on("exit", end);
  return {
    folder,
    path: (name) => join(folder, name),
    makeFolder(name) {
      fs.mkdirSync(join(folder, name), { recursive: true });
      return join(folder, name);
    },
    [Symbol.dispose]() {
      process.off("exit", end);
      end();
    },
  };
}

/** Mounts an overlay as lade's containers have it; lowers are given lowest first. */
export async function mountOverlay(
  lab: MountLab,
  name: string,
  lowers: readonly string[],
): Promise<{ readonly merged: string; readonly upper: string; unmount(): Promise<void> }> {
  const [upper, work, merged] = ["upper", "work", "merged"].map((part) =>
    lab.makeFolder(`${name}/${part}`),
  ) as [string, string, string];
  const lower = [...lowers].reverse().join(":");
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work},redirect_dir=nofollow,metacopy=off`;
  await runOrThrow(requireTool("mount", "mount"), [
    "-t",
    "overlay",
    "overlay",
    "-o",
    options,
    merged,
  ]);
  return {
    merged,
    upper,
    async unmount() {
      await runOrThrow("umount", [merged]);
    },
  };
}

export interface OpenUpper extends Disposable {
  readonly fd: number;
  readonly tree: FolderNode;
}

export function openUpper(path: string): OpenUpper {
  const fd = fs.openSync(path, fs.constants.O_DIRECTORY);
  return { fd, tree: scanUpper(fd), [Symbol.dispose]: () => fs.closeSync(fd) };
}

export async function readAll(source: ByteSource, chunkSize = 65_536): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(chunkSize);
    const count = await source.read(chunk);
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
  }
}

export function entriesOf(tar: Buffer): TarEntry[] {
  const indexer = new LayerIndexer("layer");
  indexer.push(tar);
  return [...readLayerIndex(indexer.finish().bytes)];
}

/** Has GNU tar unpack a tar, with all that it can restore. */
export async function unpack(tar: string, folder: string): Promise<void> {
  fs.mkdirSync(folder, { recursive: true });
  const options = ["--xattrs", "--xattrs-include=*", "--acls", "--same-owner", "--numeric-owner"];
  await runOrThrow(requireTool("tar", "tar"), ["-C", folder, "-xpf", tar, ...options]);
}
