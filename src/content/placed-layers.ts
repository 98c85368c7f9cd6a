// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError, LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { type Digest, digestHex } from "../spec/digest.ts";
import { removeAll } from "../sys/remove-all.ts";
import type { TarEntry } from "../tar/entry.ts";
import { readLayerIndex } from "../tar/layer-index.ts";
import { bootId } from "./boot.ts";
import { allContainers, type PlacedLayer } from "./containers.ts";
import { isSoundErofs } from "./erofs-files.ts";
import { unsealIndex } from "./layer-indexes.ts";
import { openLease } from "./lease.ts";
import { stagedErofsName, stagedIndexName } from "./paths.ts";
import type { StageJob } from "./stage-pool.ts";
import type { Store } from "./store.ts";

/**
 * Layers that lie in somebody's archive and are mounted there: the store has only their index and
 * EROFS image, under a key.
 *
 * The key stands for the very file as it is in this boot (device, inode, size, times), so that an
 * archive is hashed once in each boot, and again when it changed: as blobs of the store are.
 */

/** A layer before its bytes were looked at. */
export type UnverifiedLayer = Omit<PlacedLayer, "key">;

export interface VerifyOptions {
  readonly onProgress?: ((layer: UnverifiedLayer, current: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Hashes and indexes the layers that were not yet, or that changed since.
 *
 * @returns the layers with the keys under which their files lie
 * @throws LadeError DIGEST_MISMATCH, TAR_*, LAYER_INVALID, ARCHIVE_NOT_FOUND
 */
export async function verifyPlacedLayers(
  store: Store,
  layers: readonly UnverifiedLayer[],
  options: VerifyOptions = {},
): Promise<PlacedLayer[]> {
  const placed = layers.map((layer) => ({ ...layer, key: keyOf(layer) }));
  const unknown = new Map(
    placed.filter((layer) => !isKnown(store, layer.key)).map((layer) => [layer.key, layer]),
  );
  if (unknown.size > 0) await makeFiles(store, [...unknown.values()], options);
  const now = new Date();
  for (const { key } of placed) fs.utimesSync(indexFile(store, key), now, now);
  return placed;
}

/** Names a layer in a file, as the file is now. */
function keyOf({ diffId, tar }: UnverifiedLayer): string {
  const stat = statArchive(tar.path);
  const identity = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].map(String);
  const facts = [bootId(), tar.path, ...identity, String(tar.offset), String(tar.size), diffId];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

function statArchive(path: string): fs.BigIntStats {
  try {
    return fs.statSync(path, { bigint: true });
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw ioError(error, `open ${path}`);
    throw new LadeError("ARCHIVE_NOT_FOUND", `open ${path}: no such file or directory`, {
      cause: error,
      hint: "The container runs from this archive: put it back, or load it and run the image.",
    });
  }
}

function indexFile(store: Store, key: string): string {
  return join(store.paths.archives, `${key}.index`);
}

/** The EROFS image of a layer that was verified. */
export function placedErofsPath(store: Store, key: string): string {
  return join(store.paths.archives, `${key}.erofs`);
}

/**
 * The entries of a layer that was verified.
 *
 * @throws LadeError STORE_DAMAGED
 */
export function readPlacedEntries(store: Store, key: string): Iterable<TarEntry> {
  const bytes = readIndex(store, key);
  if (bytes !== undefined) return readLayerIndex(bytes);
  throw new LadeError("STORE_DAMAGED", `${indexFile(store, key)}: missing or damaged`, {
    hint: "Start the container again, which makes it again from the archive.",
  });
}

function readIndex(store: Store, key: string): Buffer | undefined {
  try {
    return unsealIndex(fs.readFileSync(indexFile(store, key)));
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw ioError(error, `read ${indexFile(store, key)}`);
  }
}

function isKnown(store: Store, key: string): boolean {
  return readIndex(store, key) !== undefined && isSoundErofs(placedErofsPath(store, key));
}

async function makeFiles(
  store: Store,
  layers: readonly PlacedLayer[],
  options: VerifyOptions,
): Promise<void> {
  using lease = openLease(store);
  using opened = new DisposableStack();
  const jobs = layers.map((layer): StageJob => {
    const { path, offset, size } = layer.tar;
    const fd = openArchive(path);
    opened.defer(() => fs.closeSync(fd));
    return {
      fd,
      offset,
      size,
      folder: lease.folder,
      stagingPath: lease.stagingPath(),
      place: `${path}: layer ${layer.diffId}`,
      keepCompressed: false,
      inPlace: { path, offset },
      onProgress: (current) => options.onProgress?.(layer, current),
    };
  });
  // Threads and compression, which starting a container whose layers are known does without.
  const { stageAll } = await import("./stage-pool.ts");
  const staged = await stageAll(jobs, options.signal);
  fs.mkdirSync(store.paths.archives, { recursive: true, mode: 0o700 });
  for (const [index, { diffId, key, tar }] of layers.entries()) {
    const { problem, tar: found } = staged[index] as (typeof staged)[number];
    if (found.digest !== diffId) throw mismatch(tar.path, diffId, found.digest);
    if (problem !== undefined) throw problem;
    // Two places of one layer share what was staged under its digest, but not the image.
    fs.renameSync(join(lease.folder, stagedErofsName(diffId)), placedErofsPath(store, key));
    fs.renameSync(join(lease.folder, stagedIndexName(diffId)), indexFile(store, key));
  }
  sweepPlacedLayers(store, new Set(layers.map((layer) => layer.key)));
}

function openArchive(path: string): number {
  try {
    return fs.openSync(path, "r");
  } catch (error) {
    throw ioError(error, `open ${path}`);
  }
}

function mismatch(path: string, want: Digest, got: Digest): LadeError {
  return new LadeError(
    "DIGEST_MISMATCH",
    `${path}: layer ${digestHex(want).slice(0, 12)}: digest mismatch: want ${want}, got ${got}`,
    { hint: "The archive is damaged or was changed: copy it again." },
  );
}

/** Files of so many layers stay although no container names them, for the next run. */
const spareLayers = 64;
/** Who verified a layer is about to make a container that names it. */
const freshMs = 60_000;

/**
 * Removes all files of layers that no container names.
 *
 * @returns the bytes that this freed
 */
export function prunePlacedLayers(store: Store): number {
  const oldMs = Date.now() - freshMs;
  return removePlaced(
    store,
    unnamedLayers(store).filter(({ usedMs }) => usedMs < oldMs),
  );
}

/** Removes the files of layers that no container names, but for the last that were used. */
function sweepPlacedLayers(store: Store, keep: ReadonlySet<string>): void {
  const spare = unnamedLayers(store)
    .filter(({ key }) => !keep.has(key))
    .sort((a, b) => b.usedMs - a.usedMs);
  removePlaced(store, spare.slice(spareLayers));
}

interface UnnamedLayer {
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly usedMs: number;
}

function unnamedLayers(store: Store): UnnamedLayer[] {
  const named = new Set(
    allContainers(store.database).flatMap(
      (row) => row.definition.layers?.map(({ key }) => key) ?? [],
    ),
  );
  return keysIn(store.paths.archives)
    .filter((key) => !named.has(key))
    .map((key) => ({ key, usedMs: modifiedMs(indexFile(store, key)) }));
}

function removePlaced(store: Store, layers: readonly UnnamedLayer[]): number {
  let freed = 0;
  for (const { key } of layers) {
    const files = [placedErofsPath(store, key), indexFile(store, key)];
    for (const path of files) freed += fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    removeAll(join(store.paths.unpacked, key));
    // The index last: without it nobody would know of the others.
    for (const path of files) fs.rmSync(path, { force: true });
  }
  return freed;
}

function keysIn(folder: string): string[] {
  try {
    return [...new Set(fs.readdirSync(folder).map((name) => name.replace(/\..*$/, "")))];
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return [];
    throw error;
  }
}

function modifiedMs(path: string): number {
  return fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
