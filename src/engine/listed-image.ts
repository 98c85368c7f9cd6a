// SPDX-License-Identifier: Apache-2.0

import type { ArchivedImage, ArchivedLayer, ArchivedV1Image } from "../archive/image.ts";
import type { Member } from "../archive/member.ts";
import type { Compression } from "../content/compression.ts";
import { parseJson } from "../spec/document.ts";
import { type ImageConfig, parseImageConfig } from "../spec/image-config.ts";
import { type Descriptor, parseManifest } from "../spec/oci.ts";
import { formatPlatform } from "../spec/platform.ts";
import { familiarString } from "../spec/reference.ts";
import { configFromV1 } from "../spec/v1.ts";
import type { ListedImage } from "./types.ts";

/** How the data of a layer in the archive are compressed. */
export type CompressionOf = (member: Member) => Compression;

/** An image of an archive as `ls` shows it. */
export function toListedImage(
  image: ArchivedImage | ArchivedV1Image,
  compressionOf: CompressionOf,
): ListedImage {
  const [manifest] = image.kind === "image" ? image.manifests : [];
  const descriptors = manifest && parseManifest(manifest.bytes, image.place).layers;
  const config = image.kind === "image" ? image.config : configOfV1(image);
  return {
    id: image.kind === "image" ? image.id : idOfV1(image),
    names: image.references.map(familiarString),
    platform: formatPlatform(config),
    created: config.created ?? "",
    manifestDigest: manifest?.digest,
    layers: image.layers.map((layer, index) =>
      listLayer(layer, { descriptor: descriptors?.[index], compressionOf }),
    ),
  };
}

function listLayer(
  layer: ArchivedLayer,
  options: {
    readonly descriptor: Descriptor | undefined;
    readonly compressionOf: CompressionOf;
  },
): ListedImage["layers"][number] {
  const { member, blob, diffId } = layer;
  return {
    digest: blob?.digest ?? diffId ?? "",
    mediaType: options.descriptor?.mediaType || typeByBytes(member, options.compressionOf),
    size: member?.size ?? 0,
  };
}

/** Where no document says what a layer is, its bytes do; empty for one that is not there. */
function typeByBytes(member: Member | undefined, compressionOf: CompressionOf): string {
  if (member === undefined) return "";
  const compression = compressionOf(member);
  return compression === "none" ? "tar" : `tar+${compression}`;
}

function topOf(image: ArchivedV1Image): ArchivedV1Image["documents"][number] {
  const top = image.documents.at(-1);
  if (top === undefined) throw new Error("an image of the old format without a layer");
  return top;
}

/** The config that the image will have, but for its layers, which only their bytes tell. */
function configOfV1(image: ArchivedV1Image): ImageConfig {
  const { bytes, place } = topOf(image);
  return parseImageConfig(configFromV1(bytes, place, { diffIds: [], history: [] }), place);
}

/** The ID that the archive itself has; that which `load` gives depends on the layers. */
function idOfV1(image: ArchivedV1Image): string {
  const { bytes, place } = topOf(image);
  const document = parseJson(bytes, place);
  const hasId = typeof document === "object" && document !== null && "id" in document;
  return hasId ? String(document.id) : "";
}
