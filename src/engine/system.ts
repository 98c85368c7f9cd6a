// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { version } from "../base/version.ts";
import type { Database } from "../content/database.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
import { hostPlatform } from "../spec/platform.ts";
import { storageDriver } from "./driver.ts";
import type { Engine } from "./engine.ts";
import { listImages } from "./list.ts";
import type { DiskUsage, SystemInfo } from "./types.ts";

/**
 * Facts on the store and the machine, as `docker info` has them.
 *
 * @throws LadeError IO_FAILED, STORE_DENIED where the store can't be read
 */
export async function systemInfo(engine: Engine): Promise<SystemInfo> {
  const { store } = engine;
  return {
    id: storeId(store.database),
    images: count(store.database, "SELECT COUNT(*) AS count FROM image"),
    root: store.paths.root,
    rootSize: rootSize(store),
    driver: storageDriver(engine).driver,
    operatingSystem: operatingSystem(),
    kernelVersion: os.release(),
    architecture: os.machine(),
    osType: hostPlatform().os,
    cpus: os.availableParallelism(),
    memory: os.totalmem(),
    name: os.hostname(),
    serverVersion: version,
    warnings: [],
  };
}

function count(database: Database, sql: string): number {
  return database.get<{ count: number | null }>(sql)?.count ?? 0;
}

/** A name for the store that stays: made when it is first asked for. */
function storeId(database: Database): string {
  const read = () =>
    database.get<{ value: string }>("SELECT value FROM property WHERE name = 'id'")?.value;
  const known = read();
  if (known !== undefined) return known;
  const made = randomUUID();
  // Another process may have been first, and then its name counts.
  database.run("INSERT OR IGNORE INTO property (name, value) VALUES ('id', ?)", made);
  return read() ?? made;
}

/** Bytes of all files of the store. */
function rootSize(store: Store): number {
  const { blobs, root } = store.paths;
  // The database knows the blobs, of which there may be very many.
  const inBlobs = count(store.database, "SELECT SUM(size) AS count FROM blob");
  return inBlobs + folderSize(root, blobs);
}

function folderSize(folder: string, skipped: string): number {
  let size = 0;
  try {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (path === skipped) continue;
      size += entry.isDirectory() ? folderSize(path, skipped) : fs.lstatSync(path).size;
    }
  } catch (error) {
    // Another command may end and take its folder with it.
    if (!isSystemError(error, "ENOENT")) throw ioError(error, `read ${folder}`);
  }
  return size;
}

function operatingSystem(): string {
  for (const path of ["/etc/os-release", "/usr/lib/os-release"]) {
    const name = prettyName(path);
    if (name !== undefined) return name;
  }
  return os.type();
}

/** The name that os-release(5) has for people. */
function prettyName(path: string): string | undefined {
  try {
    const line = /^PRETTY_NAME=(.*)$/m.exec(fs.readFileSync(path, "utf8"))?.[1]?.trim();
    return line?.replace(/^(["'])(.*)\1$/, "$2").replace(/\\(.)/g, "$1");
  } catch {
    return undefined;
  }
}

/**
 * What the images take on disk, as `docker system df` shows it.
 *
 * A layer that several images have counts as shared for each of them. Compressed copies of layers
 * count as disk space, but not in the images' sizes.
 */
export async function diskUsage(engine: Engine): Promise<DiskUsage> {
  const { database } = engine.store;
  const shared = sharedSizes(database);
  const images = (await listImages(engine)).map((image) => {
    const sharedSize = shared.get(image.id) ?? 0;
    return { ...image, sharedSize, uniqueSize: image.size - sharedSize };
  });
  const layersSize = count(
    database,
    `SELECT SUM(size) AS count FROM blob WHERE digest IN
       (SELECT diff_id FROM image_layer UNION SELECT digest FROM manifest_layer)`,
  );
  // No container holds an image, so all of it could go.
  return { images, layersSize, reclaimable: layersSize };
}

/** Bytes of each image's layers that other images have as well. */
function sharedSizes(database: Database): Map<string, number> {
  const rows = database.all<{ image: Digest; size: number }>(
    `SELECT image, SUM(content_size) AS size FROM image_layer JOIN layer USING (diff_id)
     WHERE diff_id IN
       (SELECT diff_id FROM image_layer GROUP BY diff_id HAVING COUNT(DISTINCT image) > 1)
     GROUP BY image`,
  );
  return new Map(rows.map(({ image, size }) => [image, size]));
}
