// SPDX-License-Identifier: Apache-2.0

import type { TarEntry } from "../tar/entry.ts";

/** How layers become folders: mounted as they lie, directly or by loop devices, or unpacked. */
export type RootfsDriver = "erofs" | "erofs-loop" | "unpacked";

export interface RootfsLayer {
  /** Names the content: the hex of the diffID, or of a digest of an archive's place and layer. */
  readonly key: string;
  /** The file with the layer's tar in it, and where in it the tar lies. */
  readonly tar: { readonly path: string; readonly offset: number; readonly size: number };
  /** The tar's index. */
  readonly index: () => Iterable<TarEntry>;
  /** Path of the EROFS metadata image; made when it is asked for. */
  readonly erofs: () => string;
}

export interface RootfsPlan {
  readonly containerId: string;
  /** Lowest first. */
  readonly layers: readonly RootfsLayer[];
  /** The container's folder in the store: `upper/` and `work/` lie in it. */
  readonly folder: string;
  readonly driver: RootfsDriver;
  /** The store's folder with one folder for each unpacked layer. */
  readonly unpackedRoot: string;
  /** What the container writes need not survive a power cut, as it goes when it ends. */
  readonly isTemporary?: boolean;
  /** When the container was made, in ms since 1970; without it the root is the image's alone. */
  readonly createdMs?: number;
}
