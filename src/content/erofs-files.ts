// SPDX-License-Identifier: Apache-2.0

import { createHash, type Hash, randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { isSystemError, LadeError } from "../base/errors.ts";
import { type ErofsImage, encodeErofs } from "../erofs/image.ts";
import type { LayerTree } from "../erofs/layer-tree.ts";
import { type Digest, digestHex } from "../spec/digest.ts";
import { removeIfPossible } from "./remove-if-possible.ts";

/**
 * The seal of an image, in bytes that EROFS leaves to boot loaders: a mark, the version of how lade
 * makes images, and the SHA-256 of everything behind. Raise the version when the same layer gives
 * other bytes.
 */
const seal = { version: 1, versionOffset: 8, digestOffset: 32, size: 64 } as const;
const mark = "LADEEROF";

const chunkSize = 1024 * 1024;

export interface ErofsTarget {
  /** The file with the tar. */
  readonly tarPath: string;
  /** Where the tar starts there: a multiple of 512. */
  readonly tarOffset: number;
  readonly tarSize: number;
  /** The image's path; what is there is replaced. */
  readonly target: string;
  /** Where it is written first, on the same file system. */
  readonly beside?: string | undefined;
  /** What identifies the layer. */
  readonly digest?: Digest | undefined;
}

/**
 * Makes the EROFS image of a layer, writes it beside its place and puts it there whole.
 *
 * It is not synced: after a power cut its seal is wrong, and it is made again.
 *
 * @throws LadeError what `encodeErofs` throws, and errors of the system
 */
export function writeErofs(tree: LayerTree, target: ErofsTarget): void {
  const { tarPath, tarOffset, tarSize, digest } = target;
  const hex = digest === undefined ? undefined : digestHex(digest);
  const image = encodeErofs(tree, { tarOffset, tarSize, digest: hex });
  const beside = target.beside ?? `${target.target}.${randomUUID()}.tmp`;
  try {
    writeImage(beside, image, { tarPath, tarOffset });
    fs.renameSync(beside, target.target);
  } catch (error) {
    removeIfPossible(beside);
    throw error;
  }
}

function writeImage(
  path: string,
  image: ErofsImage,
  { tarPath, tarOffset }: { readonly tarPath: string; readonly tarOffset: number },
): void {
  const fd = fs.openSync(path, "wx", 0o444);
  try {
    const writer = new SealedWriter(fd);
    for (const piece of image.pieces) {
      if (Buffer.isBuffer(piece)) writer.write(piece);
      else if ("zeros" in piece) writer.skip(piece.zeros);
      else writer.copy(tarPath, { offset: tarOffset + piece.copyFrom, size: piece.size });
    }
    writer.finish();
  } finally {
    fs.closeSync(fd);
  }
}

class SealedWriter {
  readonly #fd: number;
  readonly #hash = createHash("sha256");
  #at = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Buffer): void {
    const isFirst = this.#at === 0;
    this.#hash.update(isFirst ? bytes.subarray(seal.size) : bytes);
    for (let done = 0; done < bytes.length; ) {
      done += fs.writeSync(this.#fd, bytes, done, bytes.length - done, this.#at + done);
    }
    this.#at += bytes.length;
  }

  /** Leaves a hole. */
  skip(size: number): void {
    updateZeros(this.#hash, size);
    this.#at += size;
  }

  copy(path: string, part: { readonly offset: number; readonly size: number }): void {
    const from = fs.openSync(path, "r");
    try {
      const buffer = Buffer.allocUnsafe(Math.min(chunkSize, part.size));
      for (let done = 0; done < part.size; ) {
        const wanted = Math.min(buffer.length, part.size - done);
        const count = fs.readSync(from, buffer, 0, wanted, part.offset + done);
        if (count === 0) throw tooShort(path, part.offset + part.size);
        this.write(buffer.subarray(0, count));
        done += count;
      }
    } finally {
      fs.closeSync(from);
    }
  }

  finish(): void {
    const bytes = Buffer.alloc(seal.size);
    bytes.write(mark, "latin1");
    bytes[seal.versionOffset] = seal.version;
    this.#hash.digest().copy(bytes, seal.digestOffset);
    fs.writeSync(this.#fd, bytes, 0, bytes.length, 0);
    fs.ftruncateSync(this.#fd, this.#at);
  }
}

function tooShort(path: string, end: number): LadeError {
  return new LadeError("STORE_DAMAGED", `${path}: ends before byte ${end}, inside a file's data`, {
    hint: "Load the image again.",
  });
}

function updateZeros(hash: Hash, size: number): void {
  const zeros = Buffer.alloc(Math.min(chunkSize, size));
  for (let left = size; left > 0; left -= zeros.length) {
    hash.update(left < zeros.length ? zeros.subarray(0, left) : zeros);
  }
}

/** True for a whole image of this version; false also where there is none. */
export function isSoundErofs(path: string): boolean {
  let fd: number;
  try {
    fd = fs.openSync(path, "r");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return false;
    throw error;
  }
  try {
    return isSealed(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function isSealed(fd: number): boolean {
  const head = Buffer.alloc(seal.size);
  if (fs.readSync(fd, head, 0, head.length, 0) < head.length) return false;
  const isOurs = head.toString("latin1", 0, mark.length) === mark;
  if (!isOurs || head[seal.versionOffset] !== seal.version) return false;
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(Math.min(chunkSize, fs.fstatSync(fd).size));
  for (let at: number = seal.size; ; ) {
    const count = fs.readSync(fd, buffer, 0, buffer.length, at);
    if (count === 0) break;
    hash.update(buffer.subarray(0, count));
    at += count;
  }
  return hash.digest().equals(head.subarray(seal.digestOffset));
}
