// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { type ArchiveFormat, FilesystemDetector, formatOf } from "../archive/detect.ts";
import { makerOf } from "../archive/maker.ts";
import type { Member, MemberSet } from "../archive/member.ts";
import { type OpenInput, openInput } from "../archive/open-input.ts";
import { readImages } from "../archive/read-images.ts";
import { scanFolder } from "../archive/scan-folder.ts";
import { compressionOfContent, isFilesystem, skimArchive } from "../archive/skim.ts";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import type { ProgressListener } from "../base/progress.ts";
import type { Compression } from "../content/compression.ts";
import { compareGoStrings } from "../spec/go-json.ts";
import { toListedImage } from "./listed-image.ts";
import type { ArchiveListing, ListedImage } from "./types.ts";

export interface ListArchiveOptions {
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What an archive or a folder holds, without a store.
 *
 * Reads a compressed or piped archive once and writes nothing. Documents are checked as `load`
 * checks them, layers are not read.
 *
 * @param path a file or a folder; undefined for standard input
 * @throws LadeError ARCHIVE_NOT_FOUND, ARCHIVE_UNRECOGNIZED, and what is wrong with the archive
 */
export async function listArchive(
  path: string | undefined,
  options: ListArchiveOptions = {},
): Promise<ArchiveListing> {
  using input = await openInput(path, options.signal);
  const contents = input.type === "folder" ? listFolder(input.path) : await listTar(input, options);
  const { format, maker, size, images, topEntries } = contents;
  const { compression } = input;
  return { path: path ?? "-", format, maker, compression, size, images, topEntries };
}

type Contents = Pick<ArchiveListing, "format" | "maker" | "images" | "topEntries">;
type Sized = { readonly size: number };

async function listTar(
  input: Extract<OpenInput, { type: "file" | "stream" }>,
  options: ListArchiveOptions,
): Promise<Contents & Sized> {
  const archive = await skimArchive(input, {
    signal: options.signal,
    onProgress: (current) => options.onProgress?.({ type: "total", current, total: input.size }),
  });
  // Of a pipe the size is known only now.
  const size = input.type === "stream" ? (input.size ?? input.taken()) : input.size;
  if (archive.isFilesystem) return { size, ...filesystem(archive.topEntries) };
  return { size, ...describe(archive.members, { kind: "tar", ...archive }) };
}

function filesystem(topEntries: readonly string[]): Contents {
  return { format: "filesystem", maker: undefined, images: [], topEntries };
}

interface Reading {
  readonly kind: "tar" | "folder";
  readonly compressionOf: (member: Member) => Compression;
}

/** @throws LadeError ARCHIVE_UNRECOGNIZED for what is no image archive */
function describe(members: MemberSet, { kind, compressionOf }: Reading): Contents {
  const { images } = readImages(members, { platforms: undefined, takesAll: true });
  const format: ArchiveFormat | "unknown" = formatOf(members) ?? "unknown";
  return {
    format,
    maker: makerOf(members, { images, kind }),
    images: joinImages(images.map((image) => toListedImage(image, compressionOf))),
    topEntries: [],
  };
}

/** An archive may have an image under several entries, each with a name. */
function joinImages(images: readonly ListedImage[]): ListedImage[] {
  const joined = new Map<string, ListedImage>();
  for (const image of images) {
    const known = joined.get(image.id);
    const names = [...new Set([...(known?.names ?? []), ...image.names])];
    joined.set(image.id, { ...(known ?? image), names });
  }
  return [...joined.values()];
}

function listFolder(path: string): Contents & Sized {
  const { names, size } = readFolder(path);
  const detector = new FilesystemDetector(path);
  for (const name of names) detector.note(name);
  using folder = scanFolder(path);
  const { members } = folder;
  if (isFilesystem(detector, members)) return { size, ...filesystem(names) };
  const compressionOf = (member: Member) => compressionOfContent(member, path);
  return { size, ...describe(members, { kind: "folder", compressionOf }) };
}

/** The names at the top of a folder, and the bytes of all files in it. */
function readFolder(path: string): { readonly names: string[]; readonly size: number } {
  try {
    const entries = fs.readdirSync(path, { withFileTypes: true });
    const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    return { names: names.sort(compareGoStrings), size: folderSize(path) };
  } catch (error) {
    throw ioError(error, `read folder ${path}`);
  }
}

function folderSize(path: string): number {
  let size = 0;
  for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    try {
      if (entry.isDirectory()) size += folderSize(child);
      else if (entry.isFile()) size += fs.lstatSync(child).size;
    } catch (error) {
      // A folder that is in use may lose files meanwhile.
      if (!isSystemError(error, "ENOENT")) throw error;
    }
  }
  return size;
}
