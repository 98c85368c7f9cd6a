// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import type { ContainerRow } from "../content/containers.ts";
import { containerFolder } from "../content/paths.ts";
import type { Engine } from "./engine.ts";

export interface ContainerSize {
  /** Bytes of the files that the container changed or made. */
  readonly sizeRw: number;
  /** Bytes of all its files, with those of its image. */
  readonly sizeRootFs: number;
}

/** How large a container is, as `docker ps --size` counts: the sizes of files, not of blocks. */
export function containerSize(engine: Engine, row: ContainerRow): ContainerSize {
  const sizeRw = treeSize(join(containerFolder(engine.store.paths, row.id), "upper"));
  return { sizeRw, sizeRootFs: sizeRw + layersSize(engine, row) };
}

function layersSize(engine: Engine, row: ContainerRow): number {
  const known = engine.store.database.get<{ size: number | null }>(
    `SELECT SUM(layer.content_size) AS size FROM container_layer JOIN layer USING (diff_id)
     WHERE container_layer.container = ?`,
    row.id,
  );
  return known?.size ?? 0;
}

/** The bytes of all files of a tree, each counted once however many names it has. */
export function treeSize(folder: string): number {
  const counted = new Set<string>();
  let size = 0;
  // Names as bytes: not all of them are UTF-8.
  const pending = [Buffer.from(folder)];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const name of listFolder(path)) {
      const child = Buffer.concat([path, slash, name]);
      const stat = fs.lstatSync(child, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (stat.isDirectory()) pending.push(child);
      if (!stat.isFile()) continue;
      const key = `${stat.dev}:${stat.ino}`;
      if (stat.nlink > 1 && counted.has(key)) continue;
      if (stat.nlink > 1) counted.add(key);
      size += stat.size;
    }
  }
  return size;
}

const slash = Buffer.from("/");

/** What runs may take folders away while they are counted. */
function listFolder(path: Buffer): Buffer[] {
  try {
    return fs.readdirSync(path, { encoding: "buffer" });
  } catch (error) {
    if (isSystemError(error, "ENOENT") || isSystemError(error, "ENOTDIR")) return [];
    throw ioError(error, `read ${path}`);
  }
}
