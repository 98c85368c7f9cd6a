// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { version } from "../base/version.ts";
import { allContainers, isRunning } from "../content/containers.ts";
import type { Database } from "../content/database.ts";
import type { Store } from "../content/store.ts";
import { volumeUses } from "../content/volumes.ts";
import { hostPlatform } from "../spec/platform.ts";
import { treeSize } from "./container-size.ts";
import { observedState } from "./container-state.ts";
import type { VolumeDocument } from "./container-types.ts";
import { storageDriver } from "./driver.ts";
import type { Engine } from "./engine.ts";
import { imageFacts, sharedSizes } from "./image-facts.ts";
import { listImages } from "./list.ts";
import { listContainers } from "./list-containers.ts";
import { runtimeFacts } from "./machine-facts.ts";
import type { ContainerCounts, DiskUsage, SystemInfo } from "./types.ts";
import { listVolumes } from "./volumes.ts";

/**
 * Facts on the store and the machine, as `docker info` has them.
 *
 * @param options `rootSize: false` leaves out the store's size, for which all its folders are walked
 * @throws LadeError IO_FAILED, STORE_DENIED where the store can't be read
 */
export async function systemInfo(
  engine: Engine,
  options: { readonly rootSize?: boolean } = {},
): Promise<SystemInfo> {
  const { store } = engine;
  const { driver, reason } = storageDriver(engine);
  return {
    ...(await runtimeFacts()),
    id: storeId(store.database),
    images: count(store.database, "SELECT COUNT(*) AS count FROM image"),
    containers: countContainers(engine),
    root: store.paths.root,
    ...(options.rootSize !== false && { rootSize: rootSize(store) }),
    driver,
    driverReason: reason,
    operatingSystem: osRelease("PRETTY_NAME") ?? os.type(),
    osVersion: osRelease("VERSION_ID") ?? "",
    kernelVersion: os.release(),
    architecture: os.machine(),
    osType: hostPlatform().os,
    cpus: os.availableParallelism(),
    memory: os.totalmem(),
    name: os.hostname(),
    serverVersion: version,
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

/** A value of os-release(5): `PRETTY_NAME` is the name for people. */
function osRelease(name: string): string | undefined {
  for (const path of ["/etc/os-release", "/usr/lib/os-release"]) {
    const value = osReleaseIn(path, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

function osReleaseIn(path: string, name: string): string | undefined {
  try {
    const text = fs.readFileSync(path, "utf8");
    const line = new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1]?.trim();
    return line?.replace(/^(["'])(.*)\1$/, "$2").replace(/\\(.)/g, "$1");
  } catch {
    return undefined;
  }
}

/** How many containers there are in each state. */
function countContainers(engine: Engine): ContainerCounts {
  const states = allContainers(engine.store.database).map((row) => observedState(engine, row));
  const running = states.filter(isRunning).length;
  const paused = states.filter(({ status }) => status === "paused").length;
  return {
    total: states.length,
    running: running - paused,
    paused,
    stopped: states.length - running,
  };
}

/** Which kinds of things {@link diskUsage} measures; lists of the others are empty. */
export interface DiskUsageOptions {
  readonly images?: boolean;
  readonly containers?: boolean;
  readonly volumes?: boolean;
}

/**
 * What images, containers and volumes take on disk, as `docker system df` shows it.
 *
 * A layer that several images have counts as shared for each of them. Compressed copies of layers
 * count as disk space, but not in the images' sizes.
 */
export async function diskUsage(
  engine: Engine,
  options: DiskUsageOptions = {},
): Promise<DiskUsage> {
  const { database } = engine.store;
  const layersSize = layerBytes(database, "image");
  const neededSize = layerBytes(database, "image WHERE id IN (SELECT image FROM container)");
  return {
    images: options.images === false ? [] : await imageUsage(engine),
    layersSize,
    reclaimable: layersSize - neededSize,
    containers:
      options.containers === false ? [] : await listContainers(engine, { all: true, size: true }),
    volumes: options.volumes === false ? [] : await volumeUsage(engine),
  };
}

async function imageUsage(engine: Engine): Promise<DiskUsage["images"]> {
  const shared = sharedSizes(engine.store.database);
  const facts = imageFacts(engine);
  return (await listImages(engine)).map((image) => {
    const sharedSize = shared.get(image.id) ?? 0;
    const uniqueSize = image.size - sharedSize;
    return { ...image, sharedSize, uniqueSize, containers: facts.get(image.id)?.containers ?? 0 };
  });
}

/** Bytes on disk of the layers of some images, in all their forms. */
function layerBytes(database: Database, images: string): number {
  return count(
    database,
    `SELECT SUM(size) AS count FROM blob WHERE digest IN (
       SELECT diff_id FROM image_layer WHERE image IN (SELECT id FROM ${images})
       UNION SELECT manifest_layer.digest FROM manifest_layer
         JOIN manifest ON manifest.digest = manifest_layer.manifest
         WHERE manifest.image IN (SELECT id FROM ${images}))`,
  );
}

/** Volumes of which lade knows the size: what is a mount of something else has none here. */
async function volumeUsage(engine: Engine): Promise<readonly VolumeDocument[]> {
  const uses = volumeUses(engine.store.database);
  const volumes = await listVolumes(engine);
  return volumes
    .filter(({ Options: options }) => options === null)
    .map((volume) => ({
      ...volume,
      UsageData: { RefCount: uses.get(volume.Name) ?? 0, Size: treeSize(volume.Mountpoint) },
    }));
}
