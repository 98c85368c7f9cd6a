// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { type Database, openDatabase } from "./database.ts";
import { type StorePaths, storePaths } from "./paths.ts";

/** A folder of blobs and the database that says what they are. */
export interface Store extends Disposable {
  readonly paths: StorePaths;
  readonly database: Database;
}

/**
 * Opens the store in `root`, making it at first use.
 *
 * @param root absolute path
 * @throws LadeError STORE_DENIED, STORE_VERSION, STORE_DAMAGED, DISK_FULL
 */
export function openStore(root: string): Store {
  const paths = storePaths(root);
  if (!fs.existsSync(paths.database)) makeFolders(paths);
  const database = openDatabase(paths.database);
  return { paths, database, [Symbol.dispose]: () => database[Symbol.dispose]() };
}

/** The store's folders; only its owner may look into images (CVE-2021-41091, CVE-2021-41103). */
function makeFolders(paths: StorePaths): void {
  try {
    fs.mkdirSync(paths.root, { recursive: true, mode: 0o700 });
    for (const folder of [paths.blobs, paths.indexes, paths.ingest]) {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    // The names of the store's own folders must survive a power cut as much as what lies in them.
    for (const folder of [paths.blobs, paths.indexes, paths.ingest]) syncUpTo(folder, paths.root);
  } catch (error) {
    throw ioError(error, `make store ${paths.root}`);
  }
}

function syncUpTo(folder: string, root: string): void {
  for (let current = folder; ; current = parentOf(current)) {
    try {
      const fd = fs.openSync(current, fs.constants.O_RDONLY);
      fs.fsyncSync(fd);
      fs.closeSync(fd);
    } catch (error) {
      // A folder above the store may be readable by others only.
      if (!isSystemError(error, "EACCES")) throw error;
    }
    if (current === parentOf(root)) return;
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
