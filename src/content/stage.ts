// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import type { ByteSource } from "../base/bytes.ts";
import type { LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { type Digest, digestHex } from "../spec/digest.ts";
import type { ByteString } from "../tar/entry.ts";
import { hashBlob, type WrittenBlob, writeBlob } from "./blob-writer.ts";
import {
  type Compression,
  compressionMagicSize,
  decompress,
  sniffCompression,
} from "./compression.ts";
import { close, fdatasync, open, writeAll } from "./file-calls.ts";
import type { Hasher } from "./hasher.ts";
import { peekable } from "./sources.ts";
import { type IndexSummary, type TarPlace, TolerantIndexer } from "./tolerant-indexer.ts";

export type { IndexSummary, TarPlace } from "./tolerant-indexer.ts";

export interface StageOptions {
  /** The lease's folder, which gets the files under their digests. */
  readonly folder: string;
  /** A path in the folder that nothing else uses; it and names that begin with it are taken. */
  readonly stagingPath: string;
  /** What errors call the bytes. */
  readonly place: string;
  /** Keep the compressed form beside the tar. */
  readonly keepCompressed: boolean;
  /** Only hash and index a tar that stays where it is, for mounting it there. */
  readonly inPlace?: TarPlace | undefined;
  /** Works out the digest of the tar; this thread where undefined. */
  readonly hasher?: Hasher | undefined;
  readonly onProgress?: ((size: number) => void) | undefined;
  /** Sees the path of each member of the tar, below the root. */
  readonly onEntryPath?: ((path: ByteString) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A layer in a lease's folder, synced, under the digest of its tar. */
export interface StagedLayer {
  readonly compression: Compression;
  /** What came: the compressed form, or the tar itself. */
  readonly blob: WrittenBlob;
  /** The uncompressed bytes. */
  readonly tar: WrittenBlob;
  /** Undefined when the bytes are no sound tar. */
  readonly index: IndexSummary | undefined;
  /** Why there is no index. */
  readonly problem: LadeError | undefined;
}

/**
 * Writes a layer into a lease's folder: its tar, its compressed form where that came and is wanted,
 * and its index, all in one pass over the bytes.
 *
 * @throws LadeError COMPRESSION_CORRUPT, DISK_FULL, IO_FAILED
 */
export async function stageLayer(source: ByteSource, options: StageOptions): Promise<StagedLayer> {
  try {
    const input = peekable(source);
    const compression = sniffCompression(await input.peek(compressionMagicSize));
    if (compression === "none") {
      const staged = await stageTar(input, options);
      return { compression, blob: staged.tar, ...staged };
    }
    return await stageCompressed(input, compression, options);
  } catch (error) {
    throw ioError(error, `store ${options.place}`);
  }
}

type StagedTar = Pick<StagedLayer, "tar" | "index" | "problem">;

async function stageTar(source: ByteSource, options: StageOptions): Promise<StagedTar> {
  const tolerant = new TolerantIndexer(options);
  const reading = {
    onChunk: (chunk: Buffer) => tolerant.push(chunk),
    onProgress: options.onProgress,
    signal: options.signal,
    hasher: options.hasher,
  };
  if (options.inPlace !== undefined) {
    const tar = await hashBlob(source, reading);
    return { tar, ...tolerant.finish(tar) };
  }
  const tar = await writeBlob(source, options.stagingPath, reading);
  renameToDigest(options, options.stagingPath, tar.digest);
  return { tar, ...tolerant.finish(tar) };
}

async function stageCompressed(
  source: ByteSource,
  compression: Compression,
  options: StageOptions,
): Promise<StagedLayer> {
  const rawPath = `${options.stagingPath}-compressed`;
  const raw = await openTee(source, options.keepCompressed ? rawPath : undefined);
  try {
    // Progress counts what arrives, since nobody knows how much it will become.
    const counted: ByteSource = {
      async read(target) {
        const count = await raw.source.read(target);
        options.onProgress?.(raw.size());
        return count;
      },
    };
    const staged = await stageTar(decompress(counted, compression, options.place), {
      ...options,
      onProgress: undefined,
    });
    const blob = await raw.finish();
    if (options.keepCompressed) renameToDigest(options, rawPath, blob.digest);
    return { compression, blob, ...staged };
  } finally {
    await raw.close();
  }
}

/** A source that is hashed, and written to a file where one is wanted, while it is read. */
interface Tee {
  readonly source: ByteSource;
  size(): number;
  /** Takes what a decoder left unread, such as padding, and syncs the file. */
  finish(): Promise<WrittenBlob>;
  close(): Promise<void>;
}

async function openTee(source: ByteSource, path: string | undefined): Promise<Tee> {
  const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
  const fd = path === undefined ? undefined : await open(path, O_WRONLY + O_CREAT + O_EXCL, 0o444);
  const hash = createHash("sha256");
  let size = 0;
  let isFinished = false;
  let last: Promise<unknown> = Promise.resolve();
  // A decoder that found its end early may still be reading when the rest is taken.
  const take = (target: Uint8Array): Promise<number> => {
    const taken = last.then(() => (isFinished ? 0 : takeNext(target)));
    last = taken.catch(() => undefined);
    return taken;
  };
  const takeNext = async (target: Uint8Array): Promise<number> => {
    const count = await source.read(target);
    const part = target.subarray(0, count);
    hash.update(part);
    if (fd !== undefined && count > 0) await writeAll(fd, part, size);
    size += count;
    return count;
  };
  return {
    source: { read: take },
    size: () => size,
    async finish() {
      const rest = Buffer.allocUnsafe(64 * 1024);
      while ((await take(rest)) > 0);
      isFinished = true;
      if (fd !== undefined) await fdatasync(fd);
      return { digest: `sha256:${hash.digest("hex")}`, size };
    },
    async close() {
      if (fd !== undefined) await close(fd);
    },
  };
}

function renameToDigest(options: StageOptions, path: string, digest: Digest): void {
  fs.renameSync(path, `${options.folder}/${digestHex(digest)}`);
}
