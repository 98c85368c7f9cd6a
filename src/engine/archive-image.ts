// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import type { ArchivedImage, ArchivedLayer, ArchivedV1Image } from "../archive/image.ts";
import type { MemberSet } from "../archive/member.ts";
import { openInput } from "../archive/open-input.ts";
import { readImages } from "../archive/read-images.ts";
import { scanFile } from "../archive/scan-file.ts";
import { scanFolder } from "../archive/scan-folder.ts";
import { LadeError } from "../base/errors.ts";
import type { ProgressListener } from "../base/progress.ts";
import { compressionMagicSize, sniffCompression } from "../content/compression.ts";
import type { PlacedLayer } from "../content/containers.ts";
import { type UnverifiedLayer, verifyPlacedLayers } from "../content/placed-layers.ts";
import { type Digest, shortId } from "../spec/digest.ts";
import type { ImageConfig } from "../spec/image-config.ts";
import { parsePlatform } from "../spec/platform.ts";
import { familiarString } from "../spec/reference.ts";
import type { Engine } from "./engine.ts";
import { checkDigests } from "./take-layers.ts";

/** An image that runs from the archive in which it lies. */
export interface ArchiveImage {
  readonly id: Digest;
  readonly config: ImageConfig;
  /** Lowest first, verified. */
  readonly layers: readonly PlacedLayer[];
}

export interface ArchiveImageOptions {
  readonly platform?: string | undefined;
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an image in an archive or a folder, for running it there: each layer is hashed and indexed
 * where it lies, and nothing of it is stored.
 *
 * @param name a path; of an archive with several images, `PATH#NAME` chooses one by name or ID
 * @throws LadeError ARCHIVE_NOT_FOUND, IMAGE_AMBIGUOUS, IMAGE_NOT_FOUND, DIGEST_MISMATCH,
 *   UNSUPPORTED for what can't be mounted as it lies: compressed archives and layers, and what is
 *   wrong with the archive
 */
export async function openArchiveImage(
  engine: Engine,
  name: string,
  options: ArchiveImageOptions = {},
): Promise<ArchiveImage> {
  const { path, wanted } = splitName(name);
  using input = await openInput(path);
  const read = async (members: MemberSet) => {
    const platforms = options.platform ? [parsePlatform(options.platform)] : undefined;
    const { images } = readImages(members, { platforms });
    return await verify(engine, chooseImage(images, { path, wanted }), options);
  };
  switch (input.type) {
    case "folder": {
      using folder = scanFolder(input.path);
      return await read(folder.members);
    }
    case "file":
      return await read(await scanFile(input.fd, input, input.place));
    case "stream":
      throw notAsItLies(path, `it is compressed (${input.compression})`);
  }
}

/** A file may have a `#` in its own name. */
function splitName(name: string): { readonly path: string; readonly wanted: string | undefined } {
  const at = name.lastIndexOf("#");
  if (at < 0 || fs.existsSync(name)) return { path: name, wanted: undefined };
  return { path: name.slice(0, at), wanted: name.slice(at + 1) };
}

type AnyImage = ArchivedImage | ArchivedV1Image;

function chooseImage(
  images: readonly AnyImage[],
  { path, wanted }: { readonly path: string; readonly wanted: string | undefined },
): ArchivedImage {
  const called = wanted === undefined ? images : images.filter((image) => isCalled(image, wanted));
  // An archive may have an image under several entries, each with a name.
  const found = [...new Map(called.map((image) => [idOf(image), image])).values()];
  const [image, ...others] = found;
  const names = images.map(nameOf).join(", ");
  if (image === undefined) {
    throw new LadeError("IMAGE_NOT_FOUND", `${path}: No such image: ${wanted ?? ""}`, {
      hint: `The archive has ${names || "none"}.`,
    });
  }
  if (others.length > 0) {
    throw new LadeError("IMAGE_AMBIGUOUS", `${path}: has ${found.length} images: ${names}`, {
      hint: `Name the one to run: ${path}#${nameOf(image)}`,
    });
  }
  if (image.kind === "v1") {
    throw notAsItLies(path, "it is of Docker before 1.10, whose layers have no digests");
  }
  return image;
}

function isCalled(image: AnyImage, wanted: string): boolean {
  const isNamed = image.references.some((reference) => {
    const name = familiarString(reference);
    return name === wanted || name === `${wanted}:latest`;
  });
  if (isNamed || image.kind === "v1") return isNamed;
  const hex = wanted.replace(/^sha256:/, "");
  return /^[0-9a-f]{4,64}$/.test(hex) && image.id.startsWith(`sha256:${hex}`);
}

function idOf(image: AnyImage): string {
  return image.kind === "v1" ? image.place : image.id;
}

function nameOf(image: AnyImage): string {
  const [reference] = image.references;
  if (reference !== undefined) return familiarString(reference);
  return image.kind === "v1" ? image.place : shortId(image.id);
}

async function verify(
  engine: Engine,
  image: ArchivedImage,
  { onProgress, signal }: ArchiveImageOptions,
): Promise<ArchiveImage> {
  const wanted = image.layers.map(placeOf);
  const layers = await verifyPlacedLayers(engine.store, wanted, {
    signal,
    onProgress: ({ diffId, tar }, current) =>
      onProgress?.({
        type: "layer",
        action: "verify",
        id: shortId(diffId),
        current,
        total: tar.size,
      }),
  });
  for (const [index, layer] of image.layers.entries()) {
    const { diffId, tar } = layers[index] as PlacedLayer;
    const found = { digest: diffId, size: tar.size };
    checkDigests(layer, { blob: found, tar: found });
  }
  return { id: image.id, config: image.config, layers };
}

/** @throws LadeError for a layer whose tar is not in the archive as it is */
function placeOf({ member, place, diffId }: ArchivedLayer): UnverifiedLayer {
  if (member === undefined || diffId === undefined) {
    throw new LadeError("ARCHIVE_LAYER_MISSING", `${place}: not in the archive`, {
      hint: "Load the archive into a store that has the layers that it leaves out.",
    });
  }
  if (member.content.type !== "range") throw notAsItLies(place, "its bytes are not in a file");
  const { fd, offset } = member.content;
  const start = Buffer.alloc(Math.min(compressionMagicSize, member.size));
  fs.readSync(fd, start, 0, start.length, offset);
  const compression = sniffCompression(start);
  if (compression !== "none") throw notAsItLies(place, `it is compressed (${compression})`);
  // The file that was opened, by whatever name: names in an archive are no paths.
  const path = fs.readlinkSync(`/proc/self/fd/${fd}`);
  return { diffId, tar: { path, offset, size: member.size } };
}

function notAsItLies(place: string, why: string): LadeError {
  return new LadeError("UNSUPPORTED", `${place}: can't be run as it lies: ${why}`, {
    hint: "Load it with `lade load -i` and run the image, or save it again with `lade save`.",
  });
}
