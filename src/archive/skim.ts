// SPDX-License-Identifier: Apache-2.0

import { readSync } from "node:fs";
import { type ByteSource, readFully } from "../base/bytes.ts";
import { isLadeError, LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { limits } from "../base/limits.ts";
import {
  type Compression,
  compressionMagicSize,
  sniffCompression,
} from "../content/compression.ts";
import { compareGoStrings } from "../spec/go-json.ts";
import { byteStringToText, type TarEntry } from "../tar/entry.ts";
import { FilesystemDetector } from "./detect.ts";
import {
  type Member,
  type MemberContent,
  type MemberRecord,
  MemberTable,
  recordOf,
} from "./member.ts";
import type { OpenInput } from "./open-input.ts";
import { type SkippableSource, skippableFile, skippableStream, walkTar } from "./walk-tar.ts";

/** The names in an archive and its documents, but not the data of its layers. */
export interface SkimmedArchive {
  readonly members: MemberTable;
  /** It is a container's file system; then not all of its names are among the members. */
  readonly isFilesystem: boolean;
  /** Names at the top, sorted, folders with a slash behind. */
  readonly topEntries: readonly string[];
  /** How the data of a member are compressed, by their first bytes. */
  compressionOf(member: Member): Compression;
}

export interface SkimOptions {
  /** Told how many bytes of the input have been taken. */
  readonly onProgress?: ((size: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks through an archive once, from front to back, and keeps only what lists it.
 *
 * Nothing is written: of a stream, documents stay in memory and all else passes by.
 *
 * @throws LadeError TAR_*, NAME_ESCAPES, LIMIT_EXCEEDED, COMPRESSION_CORRUPT, IO_FAILED
 */
export async function skimArchive(
  input: Extract<OpenInput, { type: "file" | "stream" }>,
  options: SkimOptions = {},
): Promise<SkimmedArchive> {
  const skimmer = new Skimmer(input.place);
  const source = openSource(input, options);
  await walkTar(source, {
    place: input.place,
    onEntry: async (entry, data) => {
      options.signal?.throwIfAborted();
      await skimmer.take(entry, input.type === "file" ? rangeIn(input, entry) : data);
    },
  });
  // The writer of a pipe may have more to say, and must not die of a closed pipe.
  if (input.type === "stream" && input.size === undefined) {
    await source.skip(Number.POSITIVE_INFINITY);
  }
  return skimmer.finish();
}

function openSource(
  input: Extract<OpenInput, { type: "file" | "stream" }>,
  options: SkimOptions,
): SkippableSource {
  if (input.type === "file") return skippableFile(input.fd, input);
  return skippableStream(input.source, {
    onRead: () => options.onProgress?.(input.taken()),
    signal: options.signal,
  });
}

type RangeContent = Extract<MemberContent, { type: "range" }>;

function rangeIn(input: { fd: number; offset: number }, entry: TarEntry): RangeContent {
  return { type: "range", fd: input.fd, offset: input.offset + entry.dataOffset };
}

class Skimmer {
  readonly #members: MemberTable;
  readonly #detector: FilesystemDetector;
  readonly #topEntries = new Map<string, "folder" | "other">();
  readonly #heads = new WeakMap<Member, Compression>();
  #keptSize = 0;
  #nameFault: unknown;

  constructor(place: string) {
    this.#members = new MemberTable(place);
    this.#detector = new FilesystemDetector(place);
  }

  async take(entry: TarEntry, data: RangeContent | ByteSource): Promise<void> {
    const name = byteStringToText(entry.path);
    this.#detector.note(name);
    this.#noteTop(name, entry);
    // A file system may have any number of members, of which only the top ones count.
    if (this.#detector.isFilesystem) return;
    this.#add(name, await recordOf(entry, () => this.#memberOf(name, entry, data)));
  }

  /** In a tar of a file system absolute names are common, and no fault. */
  #add(name: string, record: MemberRecord): void {
    try {
      this.#members.add(name, record);
    } catch (error) {
      this.#nameFault ??= error;
    }
  }

  #noteTop(name: string, entry: TarEntry): void {
    const [top, ...rest] = name.split("/").filter((part) => part !== "" && part !== ".");
    if (top === undefined) return;
    if (rest.length > 0 || entry.type === "directory") this.#topEntries.set(top, "folder");
    else if (!this.#topEntries.has(top)) this.#topEntries.set(top, "other");
    if (this.#topEntries.size <= limits.archiveMembers) return;
    throw new LadeError(
      "LIMIT_EXCEEDED",
      `${this.#members.place}: more than ${limits.archiveMembers} members`,
    );
  }

  async #memberOf(name: string, entry: TarEntry, data: RangeContent | ByteSource): Promise<Member> {
    const size = entry.storedSize;
    if ("fd" in data) return { name, size, content: data };
    const head = Buffer.alloc(Math.min(size, headSize));
    await readFully(data, head);
    const place = `${this.#members.place}: ${name}`;
    const isDocument = looksLikeJson(head);
    const fits =
      size <= limits.archiveManifestSize && this.#keptSize + size <= limits.spooledDocumentsSize;
    if ((isDocument || size === head.length) && fits) {
      this.#keptSize += size;
      const bytes = Buffer.alloc(size);
      head.copy(bytes);
      await readFully(data, bytes.subarray(head.length));
      return { name, size, content: { type: "bytes", bytes } };
    }
    const member = passedMember(name, size, () =>
      isDocument
        ? new LadeError(
            "LIMIT_EXCEEDED",
            `${place}: documents of more than ${limits.spooledDocumentsSize} bytes in all, or one of more than ${limits.archiveManifestSize}`,
          )
        : new LadeError("DOCUMENT_INVALID", `${place}: not valid JSON at character 0`),
    );
    this.#heads.set(member, sniffCompression(head));
    return member;
  }

  finish(): SkimmedArchive {
    const isRoot = isFilesystem(this.#detector, this.#members);
    if (!isRoot && this.#nameFault !== undefined) throw this.#nameFault;
    const tops = [...this.#topEntries].map(([name, kind]) =>
      kind === "folder" ? `${name}/` : name,
    );
    return {
      members: this.#members,
      isFilesystem: isRoot,
      topEntries: tops.sort(compareGoStrings),
      compressionOf: (member) =>
        this.#heads.get(member) ?? compressionOfContent(member, this.#members.place),
    };
  }
}

/** Whether the names are those of a file system, also of a small one with nothing else in it. */
export function isFilesystem(detector: FilesystemDetector, members: MemberTable): boolean {
  if (detector.isFilesystem) return true;
  try {
    detector.finish(members);
    return false;
  } catch (error) {
    if (isLadeError(error, "ARCHIVE_IS_FILESYSTEM")) return true;
    throw error;
  }
}

const headSize = 512;

/** Whether the first bytes may be those of a document: layers begin with a name or with magic. */
function looksLikeJson(head: Buffer): boolean {
  const text = head.toString("latin1").trimStart();
  return text === "" || text.startsWith("{") || text.startsWith("[");
}

/** A member whose data nobody kept; the error tells who asks for them why. */
function passedMember(name: string, size: number, fault: () => LadeError): Member {
  return {
    name,
    size,
    get content(): MemberContent {
      throw fault();
    },
  };
}

/** How the data of a member in a file or in memory are compressed. */
export function compressionOfContent({ content, name }: Member, place: string): Compression {
  switch (content.type) {
    case "bytes":
      return sniffCompression(content.bytes);
    case "staged":
      return content.staged.compression;
    case "range": {
      const head = Buffer.alloc(compressionMagicSize);
      try {
        readSync(content.fd, head, 0, head.length, content.offset);
      } catch (error) {
        throw ioError(error, `read ${place}: ${name}`);
      }
      return sniffCompression(head);
    }
  }
}
