// SPDX-License-Identifier: Apache-2.0

import { closeSync } from "node:fs";
import { layOutArchive, type SavedBlob, type SavedImage } from "../archive/layout.ts";
import { checkOutputPath, writeOutput } from "../archive/output.ts";
import { segmentSource } from "../archive/segment-source.ts";
import { isLadeError, LadeError } from "../base/errors.ts";
import { damaged, hashDescriptor, isSound, openBlob, readDocument } from "../content/blobs.ts";
import {
  compressedLayersOf,
  diffIdsOf,
  findImage,
  manifestsOf,
  tagsOfImage,
} from "../content/images.ts";
import { indexesOf } from "../content/indexes.ts";
import type { Store } from "../content/store.ts";
import { type Digest, shortId } from "../spec/digest.ts";
import { parseImageConfig } from "../spec/image-config.ts";
import { mediaTypes } from "../spec/media-types.ts";
import { parseIndex, parseManifest } from "../spec/oci.ts";
import { comparePlatformsStrictly, formatPlatform, parsePlatform } from "../spec/platform.ts";
import { familiarString, parseReference, type Reference } from "../spec/reference.ts";
import type { Engine } from "./engine.ts";
import { noteImage } from "./image-events.ts";
import { noteQuietly } from "./quiet-event.ts";
import { readImages } from "./read-image.ts";
import { saveTargets } from "./save-targets.ts";
import type { SaveOptions } from "./types.ts";

/**
 * Writes images to one archive that is a Docker archive and an OCI layout.
 *
 * @throws LadeError IMAGE_NOT_FOUND, OUTPUT_INVALID, PLATFORM_NOT_FOUND, DIGEST_MISMATCH or
 *   BLOB_NOT_FOUND for a store that lost bytes, DISK_FULL, PIPE_CLOSED
 */
export async function saveImages(engine: Engine, options: SaveOptions): Promise<void> {
  const { store } = engine;
  if (options.path !== undefined) checkOutputPath(options.path);
  const { images, files } = await openImages(store, options);
  using _files = files;
  const layout = layOutArchive(images);
  const { onProgress, signal } = options;
  const source = segmentSource(layout.segments, files.of, (digest, current, total) =>
    onProgress?.({ type: "layer", action: "save", id: shortId(digest), current, total }),
  );
  const copy = {
    signal,
    onProgress: (current: number) =>
      onProgress?.({ type: "total", current: Math.min(current, layout.size), total: layout.size }),
  };
  await writeOutput(source, options, copy);
  noteQuietly(store.database, () => {
    for (const { id } of images) noteImage(store.database, id, "save");
  });
}

interface OpenImages {
  readonly images: readonly SavedImage[];
  readonly files: OpenLayers;
}

/**
 * Finds and opens what is saved. Between the two somebody may remove an image or give its name to
 * another: then a file that is missing is no damage, and the names are looked up anew.
 */
async function openImages(store: Store, options: SaveOptions): Promise<OpenImages> {
  for (let attempt = 1; ; attempt++) {
    const images = readImages(store, () =>
      selectImages(store, options).map(({ id, references }) => describe(store, id, references)),
    );
    try {
      checkPlatforms(images, options.platforms ?? []);
      return { images, files: await openLayers(store, images, options.signal) };
    } catch (error) {
      if (!isLadeError(error, "BLOB_NOT_FOUND")) throw error;
      const isRemoved = images.some(({ id }) => findImage(store.database, id) === undefined);
      // It may have been removed and loaded again.
      if (!isRemoved && attempt > 1) throw error;
    }
  }
}

interface Selected {
  readonly id: Digest;
  readonly references: Reference[];
}

/** The images in the order of the names, each once, with the names that were asked for. */
function selectImages(store: Store, options: SaveOptions): Selected[] {
  const selected = new Map<Digest, Map<string, Reference>>();
  const add = (id: Digest, references: readonly Reference[]) => {
    const names = selected.get(id) ?? new Map<string, Reference>();
    for (const reference of references) names.set(familiarString(reference), reference);
    selected.set(id, names);
  };
  for (const name of options.names) {
    for (const found of saveTargets(store, name)) {
      add(found.id, options.withTags === true ? namesOf(store, found.id) : found.references);
    }
  }
  return [...selected].map(([id, names]) => ({ id, references: [...names.values()] }));
}

function namesOf(store: Store, id: Digest): Reference[] {
  return tagsOfImage(store.database, id).map(({ repository, tag }) =>
    parseReference(`${repository}:${tag}`),
  );
}

function describe(store: Store, id: Digest, references: readonly Reference[]): SavedImage {
  const configBytes = readDocument(store, id);
  const config = parseImageConfig(configBytes, `blob ${id}`);
  const diffIds = diffIdsOf(store.database, id);
  const manifest = storedManifest(store, id);
  const parent = findImage(store.database, id)?.parent;
  return {
    id,
    configBytes,
    platform: config,
    diffIds,
    references,
    parent: parent === undefined || parent === "" ? undefined : (parent as Digest),
    manifest: manifest && { bytes: manifest.bytes, mediaType: manifest.mediaType },
    index: manifest && storedIndex(store, id, manifest.digest),
    layers: manifest?.layers ?? diffIds.map((digest) => tarBlob(store, digest)),
  };
}

function tarBlob(store: Store, digest: Digest): SavedBlob {
  return { digest, size: sizeOf(store, digest), mediaType: mediaTypes.ociLayer };
}

function sizeOf(store: Store, digest: Digest): number {
  const row = store.database.get<{ size: number }>(
    "SELECT size FROM blob WHERE digest = ?",
    digest,
  );
  if (row !== undefined) return row.size;
  throw new LadeError("BLOB_NOT_FOUND", `blob ${digest}: the store has no such layer`, {
    hint: "Load the image again: `lade load` puts back what is missing.",
  });
}

interface StoredManifest {
  readonly digest: Digest;
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly layers: readonly SavedBlob[];
}

/** The first manifest of which the store has every layer as the manifest names it. */
function storedManifest(store: Store, id: Digest): StoredManifest | undefined {
  const { database } = store;
  for (const { digest, mediaType } of manifestsOf(database, id)) {
    const kept = compressedLayersOf(database, digest);
    const bytes = readDocument(store, digest);
    const manifest = parseManifest(bytes, `blob ${digest}`);
    // `image prune --compressed` leaves manifests without their layers.
    const isWhole = manifest.layers.every((layer, index) => kept[index] === layer.digest);
    if (isWhole) return { digest, bytes, mediaType, layers: manifest.layers };
  }
  return undefined;
}

/** The index that names the manifest, with everything else that it names. */
function storedIndex(store: Store, id: Digest, manifest: Digest): SavedImage["index"] {
  for (const { digest, mediaType, documents } of indexesOf(store.database, id)) {
    const bytes = readDocument(store, digest);
    const index = parseIndex(bytes, `blob ${digest}`);
    if (!index.manifests.some((child) => child.digest === manifest)) continue;
    return { bytes, mediaType, documents: documents.map((one) => readDocument(store, one)) };
  }
  return undefined;
}

function checkPlatforms(images: readonly SavedImage[], wanted: readonly string[]): void {
  for (const text of wanted) {
    const platform = parsePlatform(text);
    const order = comparePlatformsStrictly(platform);
    for (const image of images) {
      if (order.matches(image.platform)) continue;
      const name =
        image.references[0] === undefined ? image.id : familiarString(image.references[0]);
      throw new LadeError(
        "PLATFORM_NOT_FOUND",
        `no suitable export target found: image with reference ${name} was found but does not provide the specified platform (${formatPlatform(platform)})`,
        { hint: `It is for ${formatPlatform(image.platform)}.` },
      );
    }
  }
}

interface OpenLayers extends Disposable {
  of(digest: Digest): number;
}

/**
 * Opens every layer before the first byte goes out: an image that is removed meanwhile is still
 * saved whole, and damage is found before a half archive is on its way.
 */
async function openLayers(
  store: Store,
  images: readonly SavedImage[],
  signal: AbortSignal | undefined,
): Promise<OpenLayers> {
  const opened = new Map<Digest, number>();
  const close = () => {
    for (const fd of opened.values()) closeSync(fd);
  };
  try {
    for (const { digest } of images.flatMap((image) => image.layers)) {
      if (opened.has(digest)) continue;
      // Asked first: a sound file may be removed, but only a sound one takes its place.
      const isKnownSound = await isSound(store, digest, signal);
      const { fd } = openBlob(store, digest);
      opened.set(digest, fd);
      const found = isKnownSound ? digest : await hashDescriptor(fd, signal);
      if (found !== digest) throw damaged(digest, found);
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    of(digest) {
      const fd = opened.get(digest);
      if (fd === undefined) throw new Error(`layer ${digest} was not opened`);
      return fd;
    },
    [Symbol.dispose]: close,
  };
}
