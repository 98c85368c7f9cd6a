// SPDX-License-Identifier: Apache-2.0

import type { ArchivedImage, ArchivedImages, ArchivedV1Image } from "../archive/image.ts";
import type { MemberSet } from "../archive/member.ts";
import { openInput, openStream } from "../archive/open-input.ts";
import { type ReadOptions, readImages } from "../archive/read-images.ts";
import { scanFile } from "../archive/scan-file.ts";
import { scanFolder } from "../archive/scan-folder.ts";
import { spoolArchive } from "../archive/spool.ts";
import { commitBlobs, type LeasedBlob, stageDocument } from "../content/commit.ts";
import { putImage, putRepositoryDigest, putTag } from "../content/images.ts";
import { putIndex } from "../content/indexes.ts";
import { type Lease, openLease } from "../content/lease.ts";
import type { Store } from "../content/store.ts";
import { type Digest, digestOf } from "../spec/digest.ts";
import { parseImageConfig } from "../spec/image-config.ts";
import { formatPlatform, parsePlatform } from "../spec/platform.ts";
import { familiarString, fullName, type Reference } from "../spec/reference.ts";
import { configFromV1, historyFromV1 } from "../spec/v1.ts";
import type { Engine } from "./engine.ts";
import { noteImage } from "./image-events.ts";
import { isOneStepAbove } from "./parent.ts";
import { type LayerSet, takeLayers } from "./take-layers.ts";
import type { LoadedImage, LoadOptions } from "./types.ts";

export interface LoadResult {
  readonly images: readonly LoadedImage[];
  readonly warnings: readonly string[];
}

/**
 * Takes the images of an archive or folder into the store.
 *
 * All of them become visible in one transaction, after every byte was verified and synced; on any
 * failure the store is as before.
 *
 * @throws LadeError of what is wrong with the archive, or with the disk
 */
export async function loadImages(engine: Engine, options: LoadOptions): Promise<LoadResult> {
  using input =
    options.source === undefined
      ? await openInput(options.path, options.signal)
      : await openStream(options.source, "archive");
  using lease = openLease(engine.store);
  const onProgress = options.onProgress;
  const read = (members: MemberSet) =>
    take(engine.store, lease, readImages(members, platformsOf(options)), options);
  switch (input.type) {
    case "folder": {
      using folder = scanFolder(input.path);
      return await read(folder.members);
    }
    case "file":
      return await read(await scanFile(input.fd, input, input.place));
    case "stream":
      return await read(
        await spoolArchive(input.source, {
          lease,
          place: input.place,
          signal: options.signal,
          onMember: (name, current, total) => {
            onProgress?.({ type: "layer", action: "load", id: name, current, total });
          },
        }),
      );
  }
}

function platformsOf(options: LoadOptions): ReadOptions {
  const texts = options.platforms ?? [];
  return { platforms: texts.length === 0 ? undefined : texts.map((text) => parsePlatform(text)) };
}

async function take(
  store: Store,
  lease: Lease,
  archived: ArchivedImages,
  options: LoadOptions,
): Promise<LoadResult> {
  const layers = await takeLayers(store, lease, {
    images: archived.images,
    signal: options.signal,
    onProgress: options.onProgress,
  });
  const images = archived.images.map((image) =>
    image.kind === "v1" ? convertV1(image, layers) : image,
  );
  const documents = await stageDocuments(lease, images);
  options.signal?.throwIfAborted();
  const blobs = [...layers.blobs, ...documents];
  const byId = new Map(images.map((image) => [image.id, image]));
  const loaded = commitBlobs(store, { lease, blobs }, () =>
    images.flatMap((image) => record(store, image, { layers, parent: parentOf(image, byId) })),
  );
  return { images: loaded, warnings: archived.warnings };
}

/** How many small files are synced at once; ext4 then commits them together. */
const documentsAtOnce = 16;

async function stageDocuments(
  lease: Lease,
  images: readonly ArchivedImage[],
): Promise<LeasedBlob[]> {
  const queue = images.flatMap((image) => [
    image.configBytes,
    ...image.manifests.map((manifest) => manifest.bytes),
    ...(image.index === undefined ? [] : [image.index.bytes, ...image.index.documents]),
  ]);
  const staged: LeasedBlob[] = [];
  const lanes = Array.from({ length: documentsAtOnce }, async () => {
    for (let bytes = queue.shift(); bytes !== undefined; bytes = queue.shift()) {
      staged.push(await stageDocument(lease, bytes));
    }
  });
  // All have to end before a failure is told: what still writes would be in the way of cleaning up.
  for (const lane of await Promise.allSettled(lanes)) {
    if (lane.status === "rejected") throw lane.reason;
  }
  return staged;
}

/** Gives an image of Docker before 1.10 the config that Docker makes of it. */
function convertV1(image: ArchivedV1Image, layers: LayerSet): ArchivedImage {
  const diffIds = image.layers.map((layer) => layers.of(layer).diffId);
  const history = image.documents.map(({ bytes, place }) => historyFromV1(bytes, place));
  const top = image.documents.at(-1);
  if (top === undefined) throw new Error("an image of the old format without a layer");
  const configBytes = configFromV1(top.bytes, top.place, { diffIds, history });
  return {
    ...image,
    kind: "image",
    id: digestOf(configBytes),
    config: parseImageConfig(configBytes, image.place),
    configBytes,
    parent: undefined,
    manifests: [],
    indexDigests: [],
    index: undefined,
  };
}

/** Writes an image's rows; inside the transaction. */
function record(
  store: Store,
  image: ArchivedImage,
  { layers, parent }: { readonly layers: LayerSet; readonly parent: Digest | undefined },
): LoadedImage[] {
  const { database } = store;
  const taken = image.layers.map((layer) => layers.of(layer));
  const { config } = image;
  putImage(database, {
    id: image.id,
    created: config.created ?? "",
    size: taken.reduce((sum, layer) => sum + layer.contentSize, 0),
    platform: formatPlatform(config),
    parent,
    labels: config.config?.Labels ?? {},
    diffIds: taken.map((layer) => layer.diffId),
    manifests: image.manifests.map(({ digest, mediaType }) => ({
      digest,
      mediaType,
      compressedLayers: taken.map((layer) => layer.compressed ?? layer.diffId),
    })),
  });
  if (image.index !== undefined) {
    const { digest, mediaType, documents } = image.index;
    putIndex(database, image.id, { digest, mediaType, documents: documents.map(digestOf) });
  }
  noteImage(database, image.id, "load");
  if (image.references.length === 0) {
    return [{ id: image.id, reference: undefined, replacedId: undefined }];
  }
  return image.references.map((reference) => {
    for (const digest of knownBy(image)) {
      putRepositoryDigest(database, { repository: fullName(reference), digest }, image.id);
    }
    return {
      id: image.id,
      reference: familiarString(reference),
      replacedId: putTag(database, tagOf(reference), image.id),
    };
  });
}

/** The digests that people know an image by: of the outermost index, else of its manifests. */
function knownBy(image: ArchivedImage): Digest[] {
  const outermost = image.indexDigests.at(-1);
  return outermost === undefined ? image.manifests.map(({ digest }) => digest) : [outermost];
}

function tagOf(reference: Reference): { repository: string; tag: string } {
  return { repository: fullName(reference), tag: reference.tag ?? "latest" };
}

/** The parent that the archive names, where it came along and can be it; others Docker ignores too. */
function parentOf(
  image: ArchivedImage,
  others: ReadonlyMap<Digest, ArchivedImage>,
): Digest | undefined {
  const parent = image.parent === undefined ? undefined : others.get(image.parent);
  const canBe = parent !== undefined && isOneStepAbove(image.config, parent.config);
  return canBe ? parent.id : undefined;
}
