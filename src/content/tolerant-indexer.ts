// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isLadeError, type LadeError } from "../base/errors.ts";
import { LayerTreeBuilder } from "../erofs/layer-tree.ts";
import { digestHex } from "../spec/digest.ts";
import type { ByteString } from "../tar/entry.ts";
import { type LayerIndex, LayerIndexer } from "../tar/layer-index.ts";
import type { WrittenBlob } from "./blob-writer.ts";
import { writeErofs } from "./erofs-files.ts";
import { writeIndex } from "./layer-indexes.ts";
import { stagedErofsName, stagedIndexName } from "./paths.ts";

/** What is known of a layer's index. */
export interface IndexSummary {
  readonly entries: number;
  /** Bytes of the layer's files as Docker counts them. */
  readonly contentSize: number;
}

/** Where a tar lies that is not the store's. */
export interface TarPlace {
  readonly path: string;
  /** Where in the file the tar starts. */
  readonly offset: number;
}

export interface IndexerOptions {
  /** The lease's folder. */
  readonly folder: string;
  /** A path in the folder; names that begin with it are taken. */
  readonly stagingPath: string;
  /** What errors call the bytes. */
  readonly place: string;
  readonly onEntryPath?: ((path: ByteString) => void) | undefined;
  /** Where the tar lies; in the lease's folder, under its digest, where undefined. */
  readonly inPlace?: TarPlace | undefined;
}

export interface IndexResult {
  readonly index: IndexSummary | undefined;
  /** Why there is no index. */
  readonly problem: LadeError | undefined;
}

/**
 * Makes index and EROFS image of bytes that may be a layer's tar, as far as they are one: in a
 * stream nobody knows yet what they have to be.
 */
export class TolerantIndexer {
  readonly #options: IndexerOptions;
  readonly #tree: LayerTreeBuilder;
  #indexer: LayerIndexer | undefined;
  #problem: LadeError | undefined;

  constructor(options: IndexerOptions) {
    const { place, onEntryPath } = options;
    const tree = new LayerTreeBuilder(place);
    this.#options = options;
    this.#tree = tree;
    this.#indexer = new LayerIndexer(place, (path, entry) => {
      tree.add(entry, path);
      onEntryPath?.(path);
    });
  }

  push(chunk: Buffer): void {
    if (this.#indexer === undefined) return;
    this.#try(() => this.#indexer?.push(chunk));
  }

  /** Writes index and image into the lease's folder. */
  finish(tar: WrittenBlob): IndexResult {
    const index = this.#try(() => this.#indexer?.finish());
    if (index !== undefined) this.#try(() => this.#write(tar, index));
    if (index === undefined || this.#problem !== undefined) {
      return { index: undefined, problem: this.#problem };
    }
    const { entries, contentSize } = index;
    return { index: { entries, contentSize }, problem: undefined };
  }

  #write({ digest, size }: WrittenBlob, index: LayerIndex): void {
    const { folder, stagingPath, inPlace } = this.#options;
    writeErofs(this.#tree.finish(), {
      tarPath: inPlace?.path ?? `${folder}/${digestHex(digest)}`,
      tarOffset: inPlace?.offset ?? 0,
      tarSize: size,
      target: `${folder}/${stagedErofsName(digest)}`,
      digest,
    });
    // A file that is there may be the store's own, held by a link.
    const staged = `${stagingPath}-index`;
    writeIndex(staged, index.bytes);
    fs.renameSync(staged, `${folder}/${stagedIndexName(digest)}`);
  }

  #try<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!isLadeError(error)) throw error;
      this.#problem ??= error;
      this.#indexer = undefined;
      return undefined;
    }
  }
}
