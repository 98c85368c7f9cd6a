// SPDX-License-Identifier: Apache-2.0

import { blobSize } from "../content/blobs.ts";
import { diffIdsOf, findImage as imageRow, manifestsOf } from "../content/images.ts";
import { blobPath } from "../content/paths.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
import { normalizeGoTime, ZERO_TIME } from "../spec/go-time.ts";
import type { ImageConfig, ImageConfigSection } from "../spec/image-config.ts";
import { sectionDocument } from "../spec/image-config-format.ts";
import { hostPlatform } from "../spec/platform.ts";
import type { Engine } from "./engine.ts";
import { digestInName, type FindOptions, findImage } from "./find-image.ts";
import { namesOf } from "./names.ts";
import { readConfig } from "./read-config.ts";
import { readImages } from "./read-image.ts";
import { toPlain } from "./to-plain.ts";

/** A manifest that came with an image. */
export interface ManifestDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/**
 * An image as `docker inspect` shows it; names, order and zero values are Docker's.
 *
 * It has the members of all versions of the API from 1.41 (Docker 20.10) to 1.51 (Docker 28), so
 * that scripts for any of them find theirs: `Container`, `ContainerConfig` and `VirtualSize`, which
 * newer ones left out, and `Descriptor`, which newer ones added.
 */
export interface ImageDocument {
  readonly Id: Digest;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  /** Empty where it is not in the store. */
  readonly Parent: string;
  readonly Comment: string;
  /** RFC 3339; year 1 where the config has none. */
  readonly Created: string;
  readonly Container: string;
  readonly ContainerConfig: SectionDocument;
  readonly DockerVersion: string;
  readonly Author: string;
  readonly Config: SectionDocument;
  readonly Architecture: string;
  readonly Variant?: string;
  readonly Os: string;
  readonly OsVersion?: string;
  /** Bytes of all files of all layers. */
  readonly Size: number;
  readonly VirtualSize: number;
  readonly GraphDriver: {
    /** `LayerTars`: paths of the layers' tars, lowest first, with a colon between two. */
    readonly Data: Readonly<Record<string, string>> | null;
    readonly Name: string;
  };
  readonly RootFS: { readonly Type: string; readonly Layers?: readonly Digest[] };
  readonly Metadata: { readonly LastTagTime: string };
  readonly Descriptor?: ManifestDescriptor;
}

/** What Docker calls the storage driver of an image: its layers lie as tars under their digests. */
const imageDriver = "lade";

/** A config's section: plain JSON. */
export type SectionDocument = Readonly<Record<string, unknown>>;

/**
 * Everything that is known of an image, in Docker's form.
 *
 * @throws LadeError what `findImage` throws; BLOB_NOT_FOUND, DIGEST_MISMATCH for a store that lost
 *   bytes
 */
export async function inspectImage(
  engine: Engine,
  name: string,
  options: FindOptions = {},
): Promise<ImageDocument> {
  const { store } = engine;
  return store.database.remember(`image ${name} ${JSON.stringify(options)}`, () =>
    readImages(store, () => describeImage(store, name, options)),
  );
}

function describeImage(store: Store, name: string, options: FindOptions): ImageDocument {
  const id = findImage(store, name, options);
  const row = imageRow(store.database, id);
  const config = readConfig(store, id);
  const { repoTags, repoDigests } = namesOf(store, id);
  const size = row?.size ?? 0;
  const descriptor = manifestOf(store, id, name);
  return {
    Id: id,
    RepoTags: repoTags,
    RepoDigests: repoDigests,
    Parent: row?.parent ?? "",
    Comment: config.comment || (config.history.at(-1)?.comment ?? ""),
    Created: normalizeGoTime(config.created ?? ZERO_TIME),
    Container: config.container ?? "",
    ContainerConfig: plainSection(config.container_config),
    DockerVersion: config.docker_version ?? "",
    Author: config.author ?? "",
    Config: plainSection(config.config),
    ...platformOf(config),
    Size: size,
    VirtualSize: size,
    GraphDriver: { Data: layerPaths(store, id), Name: imageDriver },
    RootFS: rootFs(diffIdsOf(store.database, id)),
    Metadata: { LastTagTime: formatTime(row?.taggedMs ?? 0) },
    ...(descriptor !== undefined && { Descriptor: descriptor }),
  };
}

function platformOf(
  config: ImageConfig,
): Pick<ImageDocument, "Architecture" | "Variant" | "Os" | "OsVersion"> {
  const osVersion = config["os.version"];
  return {
    Architecture: config.architecture,
    ...(config.variant && { Variant: config.variant }),
    // Docker takes a config without one for its own system's.
    Os: config.os || hostPlatform().os,
    ...(osVersion && { OsVersion: osVersion }),
  };
}

function rootFs(diffIds: readonly Digest[]): ImageDocument["RootFS"] {
  return diffIds.length === 0 ? { Type: "layers" } : { Type: "layers", Layers: diffIds };
}

/** Docker gives null for an image without layers. */
function layerPaths(store: Store, id: Digest): Readonly<Record<string, string>> | null {
  const paths = diffIdsOf(store.database, id).map((diffId) => blobPath(store.paths, diffId));
  return paths.length === 0 ? null : { LayerTars: paths.join(":") };
}

function formatTime(timeMs: number): string {
  return timeMs === 0 ? ZERO_TIME : normalizeGoTime(new Date(timeMs).toISOString());
}

/** The manifest that the name asks for, else the first that came with the image. */
function manifestOf(store: Store, id: Digest, name: string): ManifestDescriptor | undefined {
  const manifests = manifestsOf(store.database, id);
  const wanted = digestInName(name);
  const found = manifests.find(({ digest }) => digest === wanted) ?? manifests[0];
  if (found === undefined) return undefined;
  const { mediaType, digest } = found;
  return { mediaType, digest, size: blobSize(store, digest) ?? 0 };
}

function plainSection(section: ImageConfigSection | undefined): SectionDocument {
  return toPlain(sectionDocument(section ?? {})) as SectionDocument;
}
