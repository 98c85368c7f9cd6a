// SPDX-License-Identifier: Apache-2.0

/** What the engine's use cases take and give. Plain data: the command line prints it, an API sends it. */

import type { ByteSource, ByteWriter } from "../base/bytes.ts";
import type { ProgressListener } from "../base/progress.ts";
import type { ContainerSummary, VolumeDocument } from "./container-types.ts";
import type { RuntimeFacts } from "./machine-facts.ts";

/** One image as `images` lists it. */
export interface ImageSummary {
  /** `sha256:…`, the digest of the config. */
  readonly id: string;
  /** Familiar names (`busybox:latest`), sorted. */
  readonly repoTags: readonly string[];
  /** Familiar names with manifest digests (`busybox@sha256:…`), sorted. */
  readonly repoDigests: readonly string[];
  /** RFC 3339 as the config has it; empty where it has none. */
  readonly created: string;
  /** Bytes of all files of all layers, as Docker counts them. */
  readonly size: number;
}

/** One `-f KEY=VALUE`. */
export interface Filter {
  readonly key: string;
  readonly value: string;
}

export interface ListImagesOptions {
  /** Also images that are only parents of others. */
  readonly all?: boolean;
  readonly filters?: readonly Filter[];
  /** The `[REPOSITORY[:TAG]]` argument. */
  readonly pattern?: string | undefined;
}

/** One layer or empty step of an image, newest first. */
export interface HistoryItem {
  /** Image ID, or `<missing>` where the step's image is not in the store. */
  readonly id: string;
  readonly created: string;
  readonly createdBy: string;
  readonly size: number;
  readonly comment: string;
  /** Tags of the step's image. */
  readonly tags: readonly string[];
}

export interface LoadOptions {
  /** A file, a folder (OCI layout), or undefined for standard input. */
  readonly path?: string | undefined;
  /** Read instead of `path`, where it is given. */
  readonly source?: ByteSource | undefined;
  readonly platforms?: readonly string[];
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One name or untagged image that `load` brought. */
export interface LoadedImage {
  readonly id: string;
  /** Familiar `name:tag`; undefined for an image without one. */
  readonly reference: string | undefined;
  /** The image that held the reference before, where it was another one. */
  readonly replacedId: string | undefined;
}

export interface SaveOptions {
  readonly names: readonly string[];
  /** A file, or undefined for standard output. */
  readonly path?: string | undefined;
  /** Gets the archive instead of `path`, where it is given; in large pieces. */
  readonly write?: ByteWriter | undefined;
  readonly platforms?: readonly string[];
  /** Keep the names of images that are given by ID. */
  readonly withTags?: boolean;
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ImportOptions {
  /** A file, an http(s) URL, `-` for standard input, or the bytes themselves. */
  readonly source: string | ByteSource;
  readonly reference?: string | undefined;
  /** Dockerfile instructions. */
  readonly changes?: readonly string[];
  readonly message?: string | undefined;
  readonly platform?: string | undefined;
  /** Take an image archive as a file system all the same. */
  readonly force?: boolean;
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One line of `rmi`. */
export type RemovedItem =
  | { readonly type: "untagged"; readonly reference: string }
  | { readonly type: "deleted"; readonly id: string };

export interface RemoveImageOptions {
  readonly name: string;
  readonly force?: boolean;
  /** Keep untagged parents. */
  readonly noPrune?: boolean;
  /** Platforms, for each of which the image must be: it has no other variant to keep. */
  readonly platforms?: readonly string[];
}

export interface PruneImagesOptions {
  /** All images without a container, not only those without a name. */
  readonly all?: boolean;
  /** Only the compressed copies of layers that are also stored as tar. */
  readonly compressed?: boolean;
  readonly filters?: readonly Filter[];
}

export interface PruneReport {
  readonly removed: readonly RemovedItem[];
  /** Bytes. */
  readonly spaceReclaimed: number;
}

/** One thing that `system check` found. */
export interface CheckFinding {
  /** Stable word for the damage, such as `blob-digest`. */
  readonly kind: string;
  /** Where: a digest, a tag, a file's name in the store. */
  readonly subject: string;
  readonly message: string;
  readonly repaired: boolean;
}

export interface CheckReport {
  readonly blobs: number;
  /** Bytes read and hashed. */
  readonly size: number;
  readonly images: number;
  readonly findings: readonly CheckFinding[];
}

export interface DiskUsage {
  readonly images: readonly (ImageSummary & {
    readonly sharedSize: number;
    readonly uniqueSize: number;
    /** How many containers were made from it. */
    readonly containers: number;
  })[];
  /** Bytes on disk of all layers: their tars, and the compressed forms in which they came. */
  readonly layersSize: number;
  /** Bytes that `image prune -a` would free. */
  readonly reclaimable: number;
  /** With their sizes. */
  readonly containers: readonly ContainerSummary[];
  /** With `UsageData`. */
  readonly volumes: readonly VolumeDocument[];
}

export interface ContainerCounts {
  readonly total: number;
  readonly running: number;
  readonly paused: number;
  readonly stopped: number;
}

export interface SystemInfo extends RuntimeFacts {
  readonly id: string;
  readonly images: number;
  readonly containers: ContainerCounts;
  readonly root: string;
  /** Bytes; undefined where it was not asked for. */
  readonly rootSize?: number;
  readonly driver: string;
  /** Why it is that one, in words for people. */
  readonly driverReason: string;
  readonly operatingSystem: string;
  /** Such as `12`; empty where the system does not tell. */
  readonly osVersion: string;
  readonly kernelVersion: string;
  readonly architecture: string;
  readonly osType: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly name: string;
  readonly serverVersion: string;
}

/** One image in an archive, as `ls` shows it. */
export interface ListedImage {
  readonly id: string;
  readonly names: readonly string[];
  readonly platform: string;
  readonly created: string;
  readonly manifestDigest: string | undefined;
  readonly layers: readonly {
    readonly digest: string;
    readonly mediaType: string;
    /** Bytes in the archive. */
    readonly size: number;
  }[];
}

/** What an archive or folder holds. */
export interface ArchiveListing {
  readonly path: string;
  /** Such as `docker-archive`, `oci-layout`, `docker-archive+oci-layout`, `docker-legacy`, `filesystem`. */
  readonly format: string;
  /** Such as `docker 25 or later`, `podman`, `skopeo`; undefined where it can't be told. */
  readonly maker: string | undefined;
  /** `none`, `gzip`, `bzip2`, `xz` or `zstd`. */
  readonly compression: string;
  readonly size: number;
  readonly images: readonly ListedImage[];
  /** Top folders and files of a container's file system. */
  readonly topEntries: readonly string[];
}
