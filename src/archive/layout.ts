// SPDX-License-Identifier: Apache-2.0

import { type Digest, digestHex, digestOf } from "../spec/digest.ts";
import { formatGoJson, type GoJsonValue, sortedKeys } from "../spec/go-json.ts";
import { annotationNames, mediaTypes } from "../spec/media-types.ts";
import type { Platform } from "../spec/platform.ts";
import {
  canonicalString,
  familiarName,
  familiarString,
  type Reference,
} from "../spec/reference.ts";
import { encodeMember, paddingOf } from "../tar/writer.ts";
import { blobName } from "./document.ts";

/** A blob of the store that goes into an archive. */
export interface SavedBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
}

/** An image that goes into an archive. */
export interface SavedImage {
  readonly id: Digest;
  readonly configBytes: Buffer;
  readonly platform: Platform;
  /** Lowest first. */
  readonly diffIds: readonly Digest[];
  /** The layers' blobs: tars, or the compressed form that the manifest names. */
  readonly layers: readonly SavedBlob[];
  /** The manifest that came with the image; one is made where undefined. */
  readonly manifest: { readonly bytes: Buffer; readonly mediaType: string } | undefined;
  /** The index that came with the manifest, and the documents that it names besides. */
  readonly index:
    | { readonly bytes: Buffer; readonly mediaType: string; readonly documents: readonly Buffer[] }
    | undefined;
  readonly references: readonly Reference[];
  readonly parent: Digest | undefined;
}

/** A piece of an archive: bytes, or a blob of the store. */
export type Segment =
  | { readonly type: "bytes"; readonly bytes: Buffer }
  | { readonly type: "blob"; readonly digest: Digest; readonly size: number };

export interface ArchiveLayout {
  readonly segments: readonly Segment[];
  /** Bytes of the whole archive. */
  readonly size: number;
}

/**
 * Lays out a tar that is both a Docker archive and an OCI layout.
 *
 * Documents come first, so that a reader of a stream knows what the layers behind them are. Equal
 * images give equal bytes: no times, no owners, members in a fixed order.
 */
export function layOutArchive(images: readonly SavedImage[]): ArchiveLayout {
  const manifests = images.map((image) => image.manifest ?? makeManifest(image));
  const documents = new Map<Digest, Buffer>();
  const layers = new Map<Digest, SavedBlob>();
  images.forEach((image, index) => {
    const manifest = manifests[index]?.bytes ?? Buffer.alloc(0);
    documents.set(digestOf(manifest), manifest);
    documents.set(image.id, image.configBytes);
    const { index: whole } = image;
    for (const bytes of whole === undefined ? [] : [whole.bytes, ...whole.documents]) {
      documents.set(digestOf(bytes), bytes);
    }
    for (const layer of image.layers) layers.set(layer.digest, layer);
  });
  const builder = new SegmentBuilder();
  builder.file("oci-layout", json({ imageLayoutVersion: "1.0.0" }));
  builder.file("index.json", json(indexOf(images, manifests)));
  const ids = new Set(images.map((image) => image.id));
  builder.file("manifest.json", json(images.map((image) => dockerItem(image, ids))));
  const repositories = repositoriesOf(images);
  if (repositories.size > 0) builder.file("repositories", json(repositories));
  builder.folder("blobs");
  builder.folder("blobs/sha256");
  for (const [digest, bytes] of documents) builder.file(blobName(digest), bytes);
  for (const layer of layers.values()) builder.blob(layer);
  return builder.finish();
}

class SegmentBuilder {
  readonly #segments: Segment[] = [];
  /** Small pieces that follow one another, not yet joined. */
  #pending: Buffer[] = [];
  #size = 0;

  folder(path: string): void {
    this.#bytes(encodeMember({ path, type: "directory", mode: 0o755 }));
  }

  file(path: string, bytes: Buffer): void {
    this.#bytes(encodeMember({ path, type: "file", mode: 0o644, size: bytes.length }));
    this.#bytes(bytes);
    this.#bytes(Buffer.alloc(paddingOf(bytes.length)));
  }

  blob(blob: SavedBlob): void {
    const { digest, size } = blob;
    this.#bytes(encodeMember({ path: blobName(digest), type: "file", mode: 0o644, size }));
    this.#flush();
    this.#segments.push({ type: "blob", digest, size });
    this.#size += size;
    this.#bytes(Buffer.alloc(paddingOf(size)));
  }

  finish(): ArchiveLayout {
    // Two zero blocks end a tar.
    this.#bytes(Buffer.alloc(1024));
    this.#flush();
    return { segments: this.#segments, size: this.#size };
  }

  #bytes(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#pending.push(bytes);
    this.#size += bytes.length;
  }

  #flush(): void {
    if (this.#pending.length > 0) {
      this.#segments.push({ type: "bytes", bytes: Buffer.concat(this.#pending) });
    }
    this.#pending = [];
  }
}

function json(value: GoJsonValue): Buffer {
  return Buffer.from(formatGoJson(value));
}

/** The manifest of an image that came without one: the same on every machine. */
export function makeManifest(image: Pick<SavedImage, "id" | "configBytes" | "layers">): {
  readonly bytes: Buffer;
  readonly mediaType: string;
} {
  const mediaType = mediaTypes.ociManifest;
  const bytes = json({
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: mediaTypes.ociConfig,
      digest: image.id,
      size: image.configBytes.length,
    },
    layers: image.layers.map(descriptorOf),
  });
  return { bytes, mediaType };
}

function descriptorOf(blob: SavedBlob): Record<string, GoJsonValue> {
  return { mediaType: blob.mediaType, digest: blob.digest, size: blob.size };
}

/** One descriptor a name, with the annotations that Docker and containerd read it from. */
function indexOf(
  images: readonly SavedImage[],
  manifests: readonly { readonly bytes: Buffer; readonly mediaType: string }[],
): GoJsonValue {
  const descriptors = images.flatMap((image, index) => {
    const top = image.index ?? (manifests[index] as { bytes: Buffer; mediaType: string });
    const { bytes, mediaType } = top;
    const base = { mediaType, digest: digestOf(bytes), size: bytes.length };
    // An index says itself for which platforms its manifests are.
    const platform = image.index === undefined ? platformOf(image.platform) : undefined;
    if (image.references.length === 0) return [{ ...base, platform }];
    return image.references.map((reference) => ({
      ...base,
      annotations: {
        [annotationNames.imageName]: canonicalString(reference),
        [annotationNames.refName]: reference.tag ?? "latest",
      },
      platform,
    }));
  });
  return { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: descriptors };
}

function platformOf(platform: Platform): Record<string, GoJsonValue> {
  const { architecture, os, variant } = platform;
  return variant ? { architecture, os, variant } : { architecture, os };
}

/**
 * @param ids the images of the archive; a parent that is not among them is left out, as Docker does,
 *   so that the same image gives the same bytes whatever else the store has
 */
function dockerItem(image: SavedImage, ids: ReadonlySet<Digest>): GoJsonValue {
  const sources = new Map<string, GoJsonValue>();
  image.layers.forEach((layer, index) => {
    sources.set(image.diffIds[index] ?? layer.digest, descriptorOf(layer));
  });
  const names = image.references.map(familiarString);
  return {
    Config: blobName(image.id),
    RepoTags: names.length === 0 ? null : names,
    Layers: image.layers.map((layer) => blobName(layer.digest)),
    ...(image.parent !== undefined && ids.has(image.parent) && { Parent: image.parent }),
    ...(sources.size > 0 && { LayerSources: sortedKeys(Object.fromEntries(sources)) }),
  };
}

/** Docker's oldest list of names, which some tools still read: name, tag, top layer. */
function repositoriesOf(images: readonly SavedImage[]): Map<string, GoJsonValue> {
  const names: Record<string, Record<string, string>> = {};
  for (const image of images) {
    const top = image.layers.at(-1);
    if (top === undefined) continue;
    for (const reference of image.references) {
      const name = familiarName(reference);
      names[name] = { ...names[name], [reference.tag ?? "latest"]: digestHex(top.digest) };
    }
  }
  const sorted = Object.entries(names).map(([name, tags]) => [name, sortedKeys(tags)] as const);
  return sortedKeys<GoJsonValue>(Object.fromEntries(sorted));
}
