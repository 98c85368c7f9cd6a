// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Digest } from "../spec/digest.ts";
import { type ImageConfig, parseImageConfig } from "../spec/image-config.ts";
import { annotationNames, layerCompression, mediaTypes } from "../spec/media-types.ts";
import {
  type Descriptor,
  type Index,
  isAttestation,
  type Manifest,
  parseIndex,
  parseManifestOrIndex,
  parseOciLayout,
} from "../spec/oci.ts";
import { formatPlatform, type Platform } from "../spec/platform.ts";
import type { Reference } from "../spec/reference.ts";
import { blobName, readBlobDocument, readMember } from "./document.ts";
import type { ArchivedImage, ArchivedLayer } from "./image.ts";
import type { MemberSet } from "./member.ts";
import { parseNameIn } from "./name.ts";
import { wholeIndex } from "./whole-index.ts";

/** One image that an index names: one platform of something that may have several. */
export interface OciImage {
  readonly image: ArchivedImage;
  readonly platform: Platform;
}

/** What one name (or one unnamed entry) of `index.json` stands for. */
export interface OciEntry {
  readonly references: readonly Reference[];
  /** The platforms of which the archive holds manifest and config. */
  readonly images: readonly OciImage[];
}

export interface OciEntries {
  readonly entries: readonly OciEntry[];
  readonly warnings: readonly string[];
  /** What lies in the layout and is no image, such as a chart. */
  readonly others: readonly LadeError[];
}

/**
 * The images of an OCI layout.
 *
 * @throws LadeError DOCUMENT_INVALID, ARCHIVE_*, DIGEST_MISMATCH, LIMIT_EXCEEDED
 */
export function readOciEntries(members: MemberSet): OciEntries {
  if (members.lookup("oci-layout", "archive") !== undefined) {
    const layout = readMember(members, "oci-layout", { wantedBy: "archive" });
    parseOciLayout(layout, `${members.place}: oci-layout`);
  }
  const bytes = readMember(members, "index.json", {
    wantedBy: "archive",
    maxSize: limits.archiveManifestSize,
  });
  const index = parseIndex(bytes, `${members.place}: index.json`);
  const warnings: string[] = [];
  const visited: Walk = { members, count: 0, seen: new Map(), others: [] };
  const byName = new Map<string, { references: Reference[]; images: Map<Digest, OciImage> }>();
  const tops = index.manifests
    .filter((descriptor) => !isAttestation(descriptor))
    .map((descriptor) => ({ descriptor, name: nameOf(descriptor, warnings) }));
  const unnamed = tops.flatMap(({ descriptor, name }) => (name === undefined ? [descriptor] : []));
  const areApart = members.lookup("manifest.json", "archive") !== undefined || !areOne(unnamed);
  tops.forEach(({ descriptor, name }, position) => {
    const images = walk(visited, descriptor, { depth: 1, wantedBy: "index.json" });
    const unnamedKey = areApart ? `unnamed ${position}` : "unnamed platforms";
    const key = name === undefined ? unnamedKey : JSON.stringify(name);
    const references = name === undefined ? [] : [name];
    const entry = byName.get(key) ?? { references, images: new Map<Digest, OciImage>() };
    for (const one of images)
      if (!entry.images.has(one.image.id)) entry.images.set(one.image.id, one);
    byName.set(key, entry);
  });
  const entries = [...byName.values()]
    .filter(({ images }) => images.size > 0)
    .map(({ references, images }) => ({ references, images: [...images.values()] }));
  return { entries, warnings, others: visited.others };
}

/**
 * True for unnamed manifests that are one image for several platforms: each states another.
 *
 * Beside a `manifest.json` they are images that were saved by their IDs.
 */
function areOne(unnamed: readonly Descriptor[]): boolean {
  const platforms = unnamed.map(({ platform }) => platform && formatPlatform(platform));
  const tags = unnamed.map(({ annotations }) => annotations?.[annotationNames.refName]);
  return (
    !platforms.includes(undefined) &&
    new Set(platforms).size === unnamed.length &&
    new Set(tags).size === 1
  );
}

/**
 * The name that an index gives an image.
 *
 * containerd and Docker write the whole name; podman and skopeo put a whole name or `name:tag` in
 * the other annotation, others only a tag, which names nothing by itself.
 */
function nameOf(descriptor: Descriptor, warnings: string[]): Reference | undefined {
  const { annotations = {} } = descriptor;
  const whole = annotations[annotationNames.imageName];
  if (whole !== undefined && whole !== "") return taggedReference(whole, warnings);
  const refName = annotations[annotationNames.refName];
  if (refName === undefined || refName === "") return undefined;
  if (/[/:]/.test(refName)) return taggedReference(refName, warnings);
  warnings.push(
    `index.json names an image only "${refName}": give it a name with \`lade tag\` and its ID`,
  );
  return undefined;
}

function taggedReference(text: string, warnings: string[]): Reference | undefined {
  const reference = parseNameIn(text, "index.json");
  if (reference.digest !== undefined && reference.tag === undefined) {
    warnings.push(`index.json names an image "${text}", which has no tag`);
    return undefined;
  }
  return reference.tag === undefined ? { ...reference, tag: "latest" } : reference;
}

interface Walk {
  readonly members: MemberSet;
  count: number;
  readonly seen: Map<Digest, OciImage[]>;
  readonly others: LadeError[];
}

/** The images below a descriptor; those that the archive leaves out are passed over. */
function walk(
  state: Walk,
  descriptor: Descriptor,
  at: { readonly depth: number; readonly wantedBy: string },
): OciImage[] {
  const known = state.seen.get(descriptor.digest);
  if (known !== undefined) return known;
  if (at.depth > limits.indexDepth || ++state.count > limits.archiveManifests) {
    throw new LadeError(
      "LIMIT_EXCEEDED",
      `${state.members.place}: ${at.wantedBy}: more than ${limits.indexDepth} indexes within one another, or more than ${limits.archiveManifests} manifests`,
    );
  }
  // Until its images are known, an index that leads back to itself has none.
  state.seen.set(descriptor.digest, []);
  const name = blobName(descriptor.digest);
  if (state.members.lookup(name, at.wantedBy) === undefined && at.depth > 1) return [];
  const bytes = readBlobDocument(state.members, descriptor, at.wantedBy);
  const place = `${state.members.place}: ${name}`;
  const document = parseManifestOrIndex(bytes, place, descriptor.mediaType);
  const images =
    document.type === "index"
      ? imagesOfIndex(state, document.index, { depth: at.depth + 1, wantedBy: name })
          .map((one) => reachedThrough(one, descriptor.digest))
          .map((one, _, all) =>
            all.length > 1 ? one : withIndex(state, one, { descriptor, bytes }),
          )
      : imagesOfManifest(state, { descriptor, manifest: document.manifest, bytes, at });
  state.seen.set(descriptor.digest, images);
  return images;
}

/** Each image once: indexes may lead to one on a million ways. */
function imagesOfIndex(
  state: Walk,
  index: Index,
  at: { readonly depth: number; readonly wantedBy: string },
): OciImage[] {
  const images = new Map<Digest, OciImage>();
  for (const child of index.manifests) {
    if (isAttestation(child)) continue;
    for (const one of walk(state, child, at)) {
      if (!images.has(one.image.id)) images.set(one.image.id, one);
    }
  }
  return [...images.values()];
}

function reachedThrough(one: OciImage, index: Digest): OciImage {
  const indexDigests = [...one.image.indexDigests, index];
  return { ...one, image: { ...one.image, indexDigests } };
}

/** Gives an image the index that led to it, where that can go out again as it came. */
function withIndex(
  state: Walk,
  one: OciImage,
  top: { readonly descriptor: Descriptor; readonly bytes: Buffer },
): OciImage {
  const index = wholeIndex(state.members, top.descriptor, top.bytes);
  return index === undefined ? one : { ...one, image: { ...one.image, index } };
}

interface ManifestInput {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly bytes: Buffer;
  readonly at: { readonly depth: number };
}

function imagesOfManifest(state: Walk, input: ManifestInput): OciImage[] {
  const { members } = state;
  const { descriptor, manifest, bytes } = input;
  const name = blobName(descriptor.digest);
  const isAbsent = members.lookup(blobName(manifest.config.digest), name) === undefined;
  // Another platform of an image that was saved for one.
  if (isAbsent && input.at.depth > 1) return [];
  if (!isImageConfig(manifest)) {
    state.others.push(notAnImage(members, name, manifest.config.mediaType));
    return [];
  }
  const configBytes = readBlobDocument(members, manifest.config, name);
  const place = `${members.place}: ${blobName(manifest.config.digest)}`;
  const config = parseImageConfig(configBytes, place);
  const layers = layersOf(members, { manifest, config, wantedBy: name });
  const isShell = layers.length > 0 && layers.every((layer) => layer.member === undefined);
  if (isShell && input.at.depth > 1) return [];
  return [
    {
      platform: descriptor.platform ?? config,
      image: {
        kind: "image",
        place,
        id: manifest.config.digest,
        config,
        configBytes,
        parent: undefined,
        references: [],
        layers,
        indexDigests: [],
        index: undefined,
        manifests: [{ digest: descriptor.digest, mediaType: mediaTypeOf(input), bytes }],
      },
    },
  ];
}

/** An artifact, such as a signature or a chart, lies in the same layout and is no image. */
function isImageConfig(manifest: Manifest): boolean {
  const { mediaType } = manifest.config;
  return (
    mediaType === "" || mediaType === mediaTypes.ociConfig || mediaType === mediaTypes.dockerConfig
  );
}

function notAnImage(members: MemberSet, name: string, mediaType: string): LadeError {
  return new LadeError(
    "UNSUPPORTED",
    `${members.place}: ${name}: config of type ${JSON.stringify(mediaType)}: this is no container image`,
    { hint: "Charts, signatures and other artifacts can't be loaded as images." },
  );
}

function mediaTypeOf(input: ManifestInput): string {
  return input.descriptor.mediaType || input.manifest.mediaType || mediaTypes.ociManifest;
}

function layersOf(
  members: MemberSet,
  input: { manifest: Manifest; config: ImageConfig; wantedBy: string },
): ArchivedLayer[] {
  const { manifest, config, wantedBy } = input;
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== manifest.layers.length) {
    throw new LadeError(
      "DOCUMENT_INVALID",
      `${members.place}: ${wantedBy}: invalid manifest, layers length mismatch: expected ${diffIds.length}, got ${manifest.layers.length}`,
    );
  }
  for (const { mediaType } of manifest.layers) {
    if (mediaType === "" || layerCompression(mediaType) !== undefined) continue;
    throw new LadeError(
      "UNSUPPORTED",
      `${members.place}: ${wantedBy}: layer of type ${JSON.stringify(mediaType)}, expected a tar`,
      { hint: "Encrypted layers and file system images can't be loaded: save the image again." },
    );
  }
  return manifest.layers.map(({ digest, size }, index) => ({
    place: `${members.place}: layer ${index + 1} (${blobName(digest)})`,
    member: members.lookup(blobName(digest), wantedBy),
    diffId: diffIds[index],
    blob: { digest, size },
  }));
}
