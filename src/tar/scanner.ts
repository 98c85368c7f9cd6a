// SPDX-License-Identifier: Apache-2.0

import { alignUp } from "../base/bytes.ts";
import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import {
  buildEntry,
  type MemberData,
  type MemberExtension,
  memberType,
  noRecords,
} from "./build-entry.ts";
import {
  type ByteString,
  byteStringToText,
  type SparseRun,
  type TarEntry,
  toByteString,
} from "./entry.ts";
import { blockSize, decodeHeader, isZeroBlock, type RawHeader } from "./header.ts";
import { decodePax, type PaxRecords, paxInteger } from "./pax.ts";
import {
  checkRuns,
  DataMapReader,
  hasMapInData,
  invalidRuns,
  oldGnuRealSize,
  paxSparseRuns,
  paxSparseSize,
  readOldGnuRuns,
} from "./sparse.ts";

export interface TarScannerOptions {
  readonly onEntry: (entry: TarEntry) => void;
  /** What errors call the archive, such as `layer 3` or a file's name. */
  readonly name: string;
  /** Members of a type that no tar defines are left out instead of refused. */
  readonly skipUnknownTypes?: boolean;
}

type State =
  | "header"
  | "pax"
  | "global-pax"
  | "long-name"
  | "long-link"
  | "sparse-extension"
  | "sparse-map"
  | "last-zero-block"
  | "end";

/**
 * Finds the members of a tar in bytes that are pushed in any pieces.
 *
 * It knows no files and no streams. Data of members is passed over, and `nextOffset` tells a caller
 * that can seek how far to jump. Follows Go's archive/tar where readers differ, since that is what
 * Docker reads with: global pax headers do not apply, sizes of links and folders are ignored,
 * GNU long names win over pax paths, and pax records never apply to another extension header.
 */
export class TarScanner {
  readonly #options: TarScannerOptions;
  #state: State = "header";
  /** Offset in the tar of the first byte that was not consumed yet. */
  #offset = 0;
  /** Bytes to pass over before the next wanted byte. */
  #skip = 0;
  /** Bytes wanted in one piece. */
  #want: number = blockSize;
  #scratch: Buffer = Buffer.allocUnsafe(blockSize);
  #filled = 0;
  #entries = 0;
  #headerOffset = 0;
  /** Bytes of an extension's body, without padding. */
  #bodySize = 0;
  #pax: PaxRecords = noRecords;
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;
  #sparse: { header: RawHeader; runs: SparseRun[]; realSize: number } | undefined;
  #map: DataMapReader | undefined;
  /** Name in the newest header, for messages. */
  #name: ByteString = "";
  /** Bytes that are not zero came after the end. */
  #hasTrailer = false;

  constructor(options: TarScannerOptions) {
    this.#options = options;
  }

  /** Where the scanner will look next; everything before it need not be pushed. */
  get nextOffset(): number {
    return this.#offset + this.#skip;
  }

  /** True after the two zero blocks that end an archive. */
  get isEnded(): boolean {
    return this.#state === "end";
  }

  get entries(): number {
    return this.#entries;
  }

  /** Where the scanner is, for messages. */
  readonly place: () => string = () => `${this.#options.name}: at byte ${this.#headerOffset}`;

  /** Jumps over bytes that the caller did not push; only within a member's data. */
  skipTo(offset: number): void {
    const distance = offset - this.#offset;
    if (distance < 0 || distance > this.#skip) throw new Error("skipTo leaves the member's data");
    this.#offset = offset;
    this.#skip -= distance;
  }

  /**
   * Takes the next bytes of the archive.
   *
   * @throws LadeError TAR_CHECKSUM, TAR_FIELD, LIMIT_EXCEEDED
   */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.#state !== "end") {
      if (this.#skip > 0) {
        const count = Math.min(this.#skip, chunk.length - at);
        at += count;
        this.#offset += count;
        this.#skip -= count;
        continue;
      }
      const count = Math.min(this.#want - this.#filled, chunk.length - at);
      const isWhole = count === this.#want;
      if (!isWhole) {
        if (this.#scratch.length < this.#want) this.#scratch = Buffer.allocUnsafe(this.#want);
        chunk.copy(this.#scratch, this.#filled, at, at + count);
      }
      const piece = isWhole ? chunk.subarray(at, at + count) : this.#scratch;
      at += count;
      this.#offset += count;
      this.#filled += count;
      if (this.#filled < this.#want) return;
      this.#filled = 0;
      this.#consume(piece);
    }
    if (this.#entries === 0 && at < chunk.length) this.#hasTrailer ||= !isZero(chunk, at);
  }

  /**
   * Says that the archive ends here.
   *
   * An end without the two zero blocks is accepted between members, as every reader does.
   *
   * @throws LadeError TAR_TRUNCATED inside a header, an extension or a member's data
   */
  end(): void {
    if (this.#hasTrailer) {
      // A file system image begins with zeros too; read as a tar it would be an empty layer.
      throw new LadeError(
        "TAR_CHECKSUM",
        `${this.#options.name}: invalid tar header: no tar, but zeros and then other data`,
      );
    }
    if (this.#state === "end" || this.#state === "last-zero-block") return;
    const isBetween = this.#state === "header" && this.#filled === 0 && this.#skip === 0;
    const { pax, longName, longLink } = this.#extension();
    const isPending = pax !== noRecords || longName !== undefined || longLink !== undefined;
    if (isBetween && !isPending) return;
    throw new LadeError(
      "TAR_TRUNCATED",
      `${this.#options.name}: unexpected EOF: the archive ends at byte ${this.#offset}, inside the member ${JSON.stringify(byteStringToText(this.#name))} that starts at byte ${this.#headerOffset}`,
      { hint: "The file was cut off while it was made or copied: make or copy it again." },
    );
  }

  #consume(piece: Buffer): void {
    switch (this.#state) {
      case "header":
        this.#consumeHeader(piece);
        return;
      case "pax":
        this.#pax = decodePax(piece.subarray(0, this.#bodySize), this.place);
        this.#expectHeader();
        return;
      case "global-pax":
        // Checked for form only: Docker's reader does not apply it.
        decodePax(piece.subarray(0, this.#bodySize), this.place);
        this.#expectHeader();
        return;
      case "long-name":
        this.#longName = cString(piece, this.#bodySize);
        this.#expectHeader();
        return;
      case "long-link":
        this.#longLink = cString(piece, this.#bodySize);
        this.#expectHeader();
        return;
      case "sparse-extension":
        this.#consumeSparseExtension(piece);
        return;
      case "sparse-map":
        this.#consumeSparseMap(piece);
        return;
      case "last-zero-block":
        if (!isZeroBlock(piece)) {
          throw new LadeError(
            "TAR_CHECKSUM",
            `${this.place()}: invalid tar header: one zero block, then more data`,
          );
        }
        this.#state = "end";
        return;
      default:
        throw new Error(`bytes after the end in state ${this.#state}`);
    }
  }

  #expectHeader(): void {
    this.#state = "header";
    this.#want = blockSize;
  }

  #consumeHeader(block: Buffer): void {
    this.#headerOffset = this.#offset - blockSize;
    if (block[0] === 0 && isZeroBlock(block)) {
      this.#state = "last-zero-block";
      return;
    }
    const header = decodeHeader(block, this.place);
    this.#name = header.name;
    switch (header.typeFlag) {
      case "x":
      case "X":
        this.#expectExtension("pax", header);
        return;
      case "g":
        this.#expectExtension("global-pax", header);
        return;
      case "L":
        this.#expectExtension("long-name", header);
        return;
      case "K":
        this.#expectExtension("long-link", header);
        return;
      case "S":
        this.#startOldSparse(block, header);
        return;
      default:
        this.#startMember(header);
    }
  }

  #expectExtension(state: State, header: RawHeader): void {
    if (header.size > limits.tarExtensionSize) {
      throw new LadeError(
        "LIMIT_EXCEEDED",
        `${this.place()}: extension header of ${header.size} bytes, expected at most ${limits.tarExtensionSize}`,
      );
    }
    // A body of no bytes says nothing and has no block to wait for.
    if (header.size === 0) return;
    this.#state = state;
    this.#bodySize = header.size;
    this.#want = alignUp(header.size, blockSize);
  }

  #startOldSparse(block: Buffer, header: RawHeader): void {
    const runs: SparseRun[] = [];
    const isExtended = readOldGnuRuns(block, runs, { isExtension: false, place: this.place });
    this.#sparse = { header, runs, realSize: oldGnuRealSize(block, this.place) };
    if (isExtended) this.#state = "sparse-extension";
    else this.#finishOldSparse();
  }

  #consumeSparseExtension(block: Buffer): void {
    const { runs } = this.#pendingSparse();
    if (readOldGnuRuns(block, runs, { isExtension: true, place: this.place })) return;
    this.#finishOldSparse();
  }

  #finishOldSparse(): void {
    const { header, runs, realSize } = this.#pendingSparse();
    const storedSize = paxInteger(this.#pax, "size", this.place) ?? header.size;
    checkRuns(runs, { size: realSize, storedSize }, this.place);
    this.#emit(header, { size: realSize, storedSize, sparse: runs });
  }

  #startMember(header: RawHeader): void {
    const storedSize = paxInteger(this.#pax, "size", this.place) ?? header.size;
    const type = memberType(header, this.#extension());
    if (type === undefined && this.#options.skipUnknownTypes !== true) {
      throw new LadeError(
        "TAR_FIELD",
        `${this.place()}: unhandled tar header type ${header.typeFlag.charCodeAt(0)}`,
      );
    }
    if (type !== "file") {
      this.#emit(header, { size: 0, storedSize: type === undefined ? storedSize : 0 });
      return;
    }
    if (hasMapInData(this.#pax)) {
      const realSize = paxSparseSize(this.#pax, this.place) ?? storedSize;
      this.#sparse = { header, runs: [], realSize };
      this.#map = new DataMapReader(this.place);
      this.#state = "sparse-map";
      return;
    }
    const sparse = paxSparseRuns(this.#pax, this.place);
    const size =
      sparse === undefined ? storedSize : (paxSparseSize(this.#pax, this.place) ?? storedSize);
    if (sparse !== undefined) checkRuns(sparse, { size, storedSize }, this.place);
    this.#emit(header, { size, storedSize, sparse });
  }

  #consumeSparseMap(block: Buffer): void {
    const { header, realSize } = this.#pendingSparse();
    const total = paxInteger(this.#pax, "size", this.place) ?? header.size;
    const map = this.#map?.push(block);
    const read = this.#offset - this.#headerOffset - blockSize;
    // What lies behind the member's own data belongs to the next.
    if (map === undefined ? read >= total : map.size > total) throw invalidRuns(this.place);
    if (map === undefined && read >= limits.tarExtensionSize) {
      throw new LadeError("LIMIT_EXCEEDED", `${this.place()}: sparse map has no end`);
    }
    if (map === undefined) return;
    const storedSize = total - map.size;
    checkRuns(map.runs, { size: realSize, storedSize }, this.place);
    this.#emit(header, { size: realSize, storedSize, sparse: map.runs });
  }

  #extension(): MemberExtension {
    return { pax: this.#pax, longName: this.#longName, longLink: this.#longLink };
  }

  #pendingSparse(): { header: RawHeader; runs: SparseRun[]; realSize: number } {
    if (this.#sparse === undefined) throw new Error("no sparse file is pending");
    return this.#sparse;
  }

  #emit(header: RawHeader, data: MemberData): void {
    if (++this.#entries > limits.layerEntries) {
      throw new LadeError(
        "LIMIT_EXCEEDED",
        `${this.#options.name}: more than ${limits.layerEntries} members`,
      );
    }
    const entry = buildEntry(header, this.#extension(), {
      ...data,
      dataOffset: this.#offset,
      place: this.place,
    });
    this.#skip = alignUp(data.storedSize, blockSize);
    this.#pax = noRecords;
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#sparse = undefined;
    this.#map = undefined;
    this.#expectHeader();
    if (entry !== undefined) this.#options.onEntry(entry);
  }
}

function isZero(bytes: Buffer, start: number): boolean {
  for (let index = start; index < bytes.length; index++) {
    if (bytes[index] !== 0) return false;
  }
  return true;
}

function cString(body: Buffer, size: number): ByteString {
  const nul = body.indexOf(0);
  return toByteString(body, 0, nul >= 0 && nul < size ? nul : size);
}
