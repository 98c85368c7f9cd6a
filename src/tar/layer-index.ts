// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import type { ByteString, SparseRun, TarEntry, TarEntryType } from "./entry.ts";
import { layerPath, whiteoutKind } from "./layer-path.ts";
import { TarScanner } from "./scanner.ts";

/**
 * The index of a layer: every member of its tar with where its data lies.
 *
 * Format 1, all numbers little-endian base-128 varints unless said otherwise:
 * - `LADELIDX` and one byte of version;
 * - each member: type (1 byte, place in `types`), bytes shared with the path before, rest of the
 *   path (length, bytes), mode, uid, gid, mtime seconds (zigzag), mtime nanoseconds, size, data
 *   offset less the one before (zigzag), stored size where the type is `file`, link path (length,
 *   bytes) where the type is a link, device numbers where it is a device, count of xattrs and each
 *   name and value (length, bytes), count of sparse runs plus one (0: not sparse) and each offset
 *   and size;
 * - a byte 255 where the members end.
 *
 * An index is derived from its layer: it can be made again at any time and is never taken from
 * outside.
 */
export const layerIndexVersion = 1;

const magic = "LADELIDX";
const endMark = 255;
const types: readonly TarEntryType[] = [
  "file",
  "hardlink",
  "symlink",
  "character",
  "block",
  "directory",
  "fifo",
];

/** What is known of a layer once its tar was read. */
export interface LayerIndex {
  readonly bytes: Buffer;
  readonly entries: number;
  /** Bytes of all files as Docker counts them: each hard-linked file once, a symlink by its target. */
  readonly contentSize: number;
}

/** Makes the index of a layer from its tar, pushed in any pieces. */
export class LayerIndexer {
  readonly #scanner: TarScanner;
  readonly #writer = new IndexWriter();
  readonly #onMember: ((path: ByteString, entry: TarEntry) => void) | undefined;
  #contentSize = 0;

  /**
   * @param name what errors call the layer
   * @param onMember sees each member and its path below the root
   */
  constructor(name: string, onMember?: (path: ByteString, entry: TarEntry) => void) {
    this.#onMember = onMember;
    this.#scanner = new TarScanner({ name, onEntry: (entry) => this.#add(entry) });
  }

  /** @throws LadeError for a tar that is damaged or names what no layer may name */
  push(chunk: Buffer): void {
    this.#scanner.push(chunk);
  }

  /** @throws LadeError TAR_TRUNCATED when the tar ended inside a member */
  finish(): LayerIndex {
    this.#scanner.end();
    return {
      bytes: this.#writer.finish(),
      entries: this.#scanner.entries,
      contentSize: this.#contentSize,
    };
  }

  #add(entry: TarEntry): void {
    const place = this.#scanner.place;
    const path = layerPath(entry.path, place);
    whiteoutKind(path, place);
    if (entry.type === "hardlink") layerPath(entry.linkPath, place);
    if (path === "" && entry.type !== "directory") {
      throw new LadeError("NAME_ESCAPES", `${place()}: a ${entry.type} in place of the root`);
    }
    this.#onMember?.(path, entry);
    if (entry.type === "file") this.#contentSize += entry.size;
    if (entry.type === "symlink") this.#contentSize += entry.linkPath.length;
    this.#writer.add(entry, path);
  }
}

class IndexWriter {
  #bytes: Buffer = Buffer.from(new ArrayBuffer(64 * 1024));
  #length = 0;
  #lastPath: ByteString = "";
  #lastOffset = 0;

  constructor() {
    this.#ensure(16);
    this.#length += this.#bytes.write(magic, 0, "latin1");
    this.#bytes[this.#length++] = layerIndexVersion;
  }

  add(entry: TarEntry, path: ByteString): void {
    this.#ensure(256 + path.length + entry.linkPath.length);
    this.#bytes[this.#length++] = types.indexOf(entry.type);
    const shared = sharedPrefix(this.#lastPath, path);
    this.#varint(shared);
    this.#text(path.slice(shared));
    this.#varint(entry.mode);
    this.#varint(entry.uid);
    this.#varint(entry.gid);
    this.#signed(entry.mtimeSeconds);
    this.#varint(entry.mtimeNanoseconds);
    this.#varint(entry.size);
    this.#signed(entry.dataOffset - this.#lastOffset);
    if (entry.type === "file") this.#varint(entry.storedSize);
    if (entry.type === "hardlink" || entry.type === "symlink") this.#text(entry.linkPath);
    if (entry.type === "character" || entry.type === "block") {
      this.#varint(entry.deviceMajor);
      this.#varint(entry.deviceMinor);
    }
    this.#varint(entry.xattrs.length);
    for (const [name, value] of entry.xattrs) {
      this.#text(name);
      this.#text(value);
    }
    this.#runs(entry.sparse);
    this.#lastPath = path;
    this.#lastOffset = entry.dataOffset;
  }

  finish(): Buffer {
    this.#ensure(1);
    this.#bytes[this.#length++] = endMark;
    return this.#bytes.subarray(0, this.#length);
  }

  #runs(sparse: readonly SparseRun[] | undefined): void {
    this.#varint(sparse === undefined ? 0 : sparse.length + 1);
    for (const run of sparse ?? []) {
      this.#ensure(32);
      this.#varint(run.offset);
      this.#varint(run.size);
    }
  }

  #text(text: ByteString): void {
    this.#ensure(text.length + 32);
    this.#varint(text.length);
    this.#length += this.#bytes.write(text, this.#length, "latin1");
  }

  /** Zigzag: 0, -1, 1, -2 become 0, 1, 2, 3, so that small negative numbers stay short. */
  #signed(value: number): void {
    this.#varint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #ensure(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const wanted = Math.max(this.#bytes.length * 2, this.#length + size);
    const old = this.#bytes;
    this.#bytes = Buffer.from(new ArrayBuffer(wanted));
    old.copy(this.#bytes, 0, 0, this.#length);
    // The old memory goes at once, not when garbage is collected.
    (old.buffer as ArrayBuffer).transfer(0);
  }
}

function sharedPrefix(a: ByteString, b: ByteString): number {
  const limit = Math.min(a.length, b.length);
  let index = 0;
  while (index < limit && a.charCodeAt(index) === b.charCodeAt(index)) index++;
  return index;
}

/**
 * Reads an index back, member by member.
 *
 * @throws LadeError STORE_DAMAGED for bytes that are no whole index of this version
 */
export function* readLayerIndex(bytes: Buffer): Generator<TarEntry> {
  const reader = new IndexReader(bytes);
  let lastPath: ByteString = "";
  let lastOffset = 0;
  for (let type = reader.byte(); type !== endMark; type = reader.byte()) {
    const entryType = types[type];
    if (entryType === undefined) throw damaged();
    const path = lastPath.slice(0, reader.varint()) + reader.text();
    const head = {
      path,
      type: entryType,
      mode: reader.varint(),
      uid: reader.varint(),
      gid: reader.varint(),
      mtimeSeconds: reader.signed(),
      mtimeNanoseconds: reader.varint(),
      size: reader.varint(),
      dataOffset: reader.signed() + lastOffset,
    };
    const isLink = entryType === "hardlink" || entryType === "symlink";
    const isDevice = entryType === "character" || entryType === "block";
    yield {
      ...head,
      storedSize: entryType === "file" ? reader.varint() : 0,
      linkPath: isLink ? reader.text() : "",
      deviceMajor: isDevice ? reader.varint() : 0,
      deviceMinor: isDevice ? reader.varint() : 0,
      xattrs: reader.xattrs(),
      sparse: reader.runs(),
    };
    lastPath = path;
    lastOffset = head.dataOffset;
  }
}

class IndexReader {
  readonly #bytes: Buffer;
  #offset: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const isIndex = bytes.toString("latin1", 0, magic.length) === magic;
    if (!isIndex || bytes[magic.length] !== layerIndexVersion) throw damaged();
    this.#offset = magic.length + 1;
  }

  byte(): number {
    const byte = this.#bytes[this.#offset++];
    if (byte === undefined) throw damaged();
    return byte;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      if (byte < 128) return value + byte * scale;
      value += (byte - 128) * scale;
      scale *= 128;
      if (scale > Number.MAX_SAFE_INTEGER) throw damaged();
    }
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  text(): ByteString {
    const size = this.varint();
    const start = this.#offset;
    if (start + size > this.#bytes.length) throw damaged();
    this.#offset += size;
    return this.#bytes.toString("latin1", start, start + size);
  }

  xattrs(): [ByteString, ByteString][] {
    const xattrs: [ByteString, ByteString][] = [];
    for (let left = this.varint(); left > 0; left--) xattrs.push([this.text(), this.text()]);
    return xattrs;
  }

  runs(): SparseRun[] | undefined {
    const count = this.varint();
    if (count === 0) return undefined;
    const runs: SparseRun[] = [];
    for (let left = count - 1; left > 0; left--) {
      runs.push({ offset: this.varint(), size: this.varint() });
    }
    return runs;
  }
}

function damaged(): LadeError {
  return new LadeError("STORE_DAMAGED", "layer index: not a whole index of this version", {
    hint: "Run `lade system check --repair`, which makes indexes again.",
  });
}
