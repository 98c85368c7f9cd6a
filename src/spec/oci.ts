// SPDX-License-Identifier: Apache-2.0

import * as v from "valibot";
import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Digest } from "./digest.ts";
import { parseJson } from "./document.ts";
import { quoteExcerpt } from "./go-quote.ts";
import { annotationNames, isIndexType, isManifestType } from "./media-types.ts";
import type { Platform } from "./platform.ts";
import {
  digest,
  goMap,
  goStruct,
  integer,
  type Schema,
  size,
  textList,
  textMap,
  validate,
} from "./schema.ts";

/** A pointer to a blob (image-spec, descriptor.md). */
export interface Descriptor {
  /** Empty where the maker left it out. */
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  readonly artifactType?: string;
  /** The blob itself, in base64. */
  readonly data?: string;
}

/** One image: its config and its layers, lowest first (image-spec, manifest.md). */
export interface Manifest {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Several manifests: an OCI index or a Docker manifest list (image-spec, image-index.md). */
export interface Index {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A document that a descriptor may point to. */
export type ManifestOrIndex =
  | { readonly type: "manifest"; readonly manifest: Manifest }
  | { readonly type: "index"; readonly index: Index };

const platform: Schema<Platform> = v.pipe(
  goStruct({
    architecture: v.string(),
    os: v.string(),
    "os.version": v.string(),
    "os.features": textList,
    variant: v.string(),
  }),
  v.transform((value) => ({
    os: value.os ?? "",
    architecture: value.architecture ?? "",
    ...(value.variant && { variant: value.variant }),
    ...(value["os.version"] && { osVersion: value["os.version"] }),
    ...(value["os.features"]?.length && { osFeatures: value["os.features"] }),
  })),
);

/** A schema for a descriptor, also used by documents that hold one. */
export const descriptor: Schema<Descriptor> = v.pipe(
  goStruct({
    mediaType: v.string(),
    digest,
    size,
    urls: textList,
    annotations: textMap,
    platform,
    artifactType: v.string(),
    data: v.string(),
  }),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    if (value.digest === undefined || value.size === undefined) {
      addIssue({ message: `expected a descriptor with ${value.digest ? "size" : "digest"}` });
      return NEVER;
    }
    return { ...value, mediaType: value.mediaType ?? "", digest: value.digest, size: value.size };
  }),
);

const common = {
  schemaVersion: integer,
  mediaType: v.string(),
  artifactType: v.string(),
  subject: descriptor,
  annotations: textMap,
};

const unknownDocument = goStruct({
  ...common,
  config: v.unknown(),
  layers: v.array(v.unknown()),
  manifests: v.array(v.unknown()),
  fsLayers: v.unknown(),
});

const manifestDocument = goStruct({ ...common, config: descriptor, layers: v.array(descriptor) });
const indexDocument = goStruct({ ...common, manifests: v.array(descriptor) });

function invalid(place: string, message: string): LadeError {
  return new LadeError("DOCUMENT_INVALID", `${place}: ${message}`);
}

/**
 * Tells manifest from index, and refuses what could be read as both: two tools would see two
 * images under one digest (CVE-2021-41190).
 */
function kindOf(value: unknown, place: string): "manifest" | "index" {
  const document = validate(unknownDocument, value, place);
  const { mediaType = "", schemaVersion = 2 } = document;
  if (document.fsLayers !== undefined || schemaVersion === 1) {
    throw invalid(place, "media-type: schema 1 not supported");
  }
  if (schemaVersion !== 2) throw invalid(place, `schemaVersion: expected 2, got ${schemaVersion}`);
  const looksLikeIndex = document.manifests !== undefined;
  const looksLikeManifest = document.layers !== undefined || document.config !== undefined;
  if (looksLikeIndex && looksLikeManifest) {
    throw invalid(place, "it has the members of a manifest and of an index, and must be one");
  }
  if (!looksLikeIndex && !looksLikeManifest) {
    throw invalid(place, 'expected a manifest ("config", "layers") or an index ("manifests")');
  }
  if (mediaType !== "" && !(looksLikeIndex ? isIndexType : isManifestType)(mediaType)) {
    const found = looksLikeIndex ? "an index" : "a manifest";
    throw invalid(place, `mediaType: ${quoteExcerpt(mediaType)} does not fit, it is ${found}`);
  }
  return looksLikeIndex ? "index" : "manifest";
}

function checkLayerCount(count: number, place: string): void {
  if (count > limits.imageLayers) {
    throw new LadeError(
      "LIMIT_EXCEEDED",
      `${place}: an image may have ${limits.imageLayers} layers, this one has ${count}`,
    );
  }
}

function toManifest(value: unknown, place: string): Manifest {
  const { schemaVersion, ...manifest } = validate(manifestDocument, value, place);
  if (manifest.config === undefined) throw invalid(place, "config: expected a descriptor");
  const layers = manifest.layers ?? [];
  checkLayerCount(layers.length, place);
  return { ...manifest, config: manifest.config, layers };
}

function toIndex(value: unknown, place: string): Index {
  const { schemaVersion, ...index } = validate(indexDocument, value, place);
  return { ...index, manifests: index.manifests ?? [] };
}

/**
 * Reads a manifest or an index, whichever it is.
 *
 * @param place what the bytes were read from
 * @param mediaType what the descriptor that led here says; a manifest under an index's type and
 *   the reverse are refused, any other type is ignored
 * @throws LadeError DOCUMENT_INVALID, LIMIT_EXCEEDED
 */
export function parseManifestOrIndex(
  bytes: Uint8Array,
  place: string,
  mediaType = "",
): ManifestOrIndex {
  const value = parseJson(bytes, place);
  const kind = kindOf(value, place);
  if (kind === "manifest" && isIndexType(mediaType)) {
    throw invalid(place, `media-type: expected index but found manifest (${mediaType})`);
  }
  if (kind === "index" && isManifestType(mediaType)) {
    throw invalid(place, `media-type: expected manifest but found index (${mediaType})`);
  }
  return kind === "manifest"
    ? { type: "manifest", manifest: toManifest(value, place) }
    : { type: "index", index: toIndex(value, place) };
}

/**
 * Reads the manifest of one image, OCI or Docker schema 2.
 *
 * @throws LadeError DOCUMENT_INVALID, LIMIT_EXCEEDED
 */
export function parseManifest(bytes: Uint8Array, place: string): Manifest {
  const document = parseManifestOrIndex(bytes, place);
  if (document.type === "manifest") return document.manifest;
  throw invalid(place, "expected a manifest, got an index");
}

/**
 * Reads an OCI index or a Docker manifest list.
 *
 * @throws LadeError DOCUMENT_INVALID, LIMIT_EXCEEDED
 */
export function parseIndex(bytes: Uint8Array, place: string): Index {
  const document = parseManifestOrIndex(bytes, place);
  if (document.type === "index") return document.index;
  throw invalid(place, "expected an index, got a manifest");
}

/** True for what is attached to an image and is none itself, as BuildKit's provenance. */
export function isAttestation(manifest: Descriptor): boolean {
  return manifest.annotations?.[annotationNames.referenceType] === "attestation-manifest";
}

/**
 * Reads the `oci-layout` file of an OCI layout.
 *
 * @returns the version, `1.` and more
 * @throws LadeError DOCUMENT_INVALID
 */
export function parseOciLayout(bytes: Uint8Array, place: string): string {
  const schema = goStruct({ imageLayoutVersion: v.string() });
  const { imageLayoutVersion = "" } = validate(schema, parseJson(bytes, place), place);
  if (/^1\.\d+\.\d+$/.test(imageLayoutVersion)) return imageLayoutVersion;
  throw invalid(
    place,
    `imageLayoutVersion: expected "1.0.0", got ${quoteExcerpt(imageLayoutVersion)}`,
  );
}

/** One image in `manifest.json` of a Docker archive. */
export interface ArchiveManifestItem {
  /** Name of the member that holds the config. */
  readonly Config: string;
  /** As written: familiar or whole references. */
  readonly RepoTags: readonly string[];
  /** Names of the members that hold the layers, lowest first. */
  readonly Layers: readonly string[];
  /** Image ID of the parent. */
  readonly Parent?: string;
  /** Where foreign layers come from, by diffID. */
  readonly LayerSources?: Readonly<Record<string, Descriptor>>;
}

const archiveManifest = v.array(
  goStruct({
    Config: v.string(),
    RepoTags: textList,
    Layers: textList,
    Parent: v.string(),
    LayerSources: goMap(descriptor),
  }),
);

/**
 * Reads `manifest.json` of a Docker archive (`docker save` from 1.10 on, and all that write like
 * it).
 *
 * @returns one item an image; may be empty
 * @throws LadeError DOCUMENT_INVALID, LIMIT_EXCEEDED
 */
export function parseArchiveManifest(bytes: Uint8Array, place: string): ArchiveManifestItem[] {
  const value = parseJson(bytes, place, limits.archiveManifestSize);
  const items = validate(archiveManifest, value, place);
  if (items.length > limits.archiveManifests) {
    throw new LadeError(
      "LIMIT_EXCEEDED",
      `${place}: an archive may have ${limits.archiveManifests} images, ` +
        `this one has ${items.length}`,
    );
  }
  return items.map(({ Config, RepoTags = [], Layers = [], ...rest }, index) => {
    if (Config === undefined || Config === "") {
      throw invalid(place, `[${index}].Config: expected the name of the config`);
    }
    checkLayerCount(Layers.length, `${place}: [${index}]`);
    return { ...rest, Config, RepoTags, Layers };
  });
}

/** `repositories` of a Docker archive: name, then tag, then the ID of the top layer's folder. */
export type Repositories = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Reads `repositories` of a Docker archive.
 *
 * Names, tags and IDs are as written, not checked: Docker before 1.10 let much pass.
 *
 * @throws LadeError DOCUMENT_INVALID, LIMIT_EXCEEDED
 */
export function parseRepositories(bytes: Uint8Array, place: string): Repositories {
  return validate(goMap(textMap), parseJson(bytes, place, limits.archiveManifestSize), place);
}
