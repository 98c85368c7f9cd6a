// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import {
  type ByteString,
  byteStringToText,
  type SparseRun,
  type TarEntry,
  type TarEntryType,
} from "./entry.ts";
import type { RawHeader } from "./header.ts";
import { type PaxRecords, type PaxTime, paxInteger, paxTime, paxXattrs } from "./pax.ts";

/** What the extension headers before a member say about it. */
export interface MemberExtension {
  readonly pax: PaxRecords;
  /** GNU's long name and long link. */
  readonly longName: ByteString | undefined;
  readonly longLink: ByteString | undefined;
}

/** How large a member is and what of it lies in the tar. */
export interface MemberData {
  readonly size: number;
  readonly storedSize: number;
  readonly sparse?: readonly SparseRun[] | undefined;
}

interface MemberPlace extends MemberData {
  readonly dataOffset: number;
  readonly place: () => string;
}

export const noRecords: PaxRecords = new Map();

const entryTypes: Readonly<Record<string, TarEntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  // Contiguous files and GNU's sparse files are files.
  "7": "file",
  S: "file",
};

/**
 * What a member is; undefined for a type that no tar defines.
 *
 * A name that ends in a slash makes an old regular file a folder, as it was before POSIX.
 */
export function memberType(
  header: RawHeader,
  extension: MemberExtension,
): TarEntryType | undefined {
  const isFolder = header.typeFlag === "\0" && pathOf(header, extension).endsWith("/");
  return isFolder ? "directory" : entryTypes[header.typeFlag];
}

/** The name that counts; an empty one names nothing. */
function pathOf(header: RawHeader, { pax, longName }: MemberExtension): ByteString {
  return longName || pax.get("GNU.sparse.name") || pax.get("path") || header.name;
}

/**
 * Puts a member together from its header and the extensions before it.
 *
 * @returns undefined for a member of a type that no tar defines
 * @throws LadeError TAR_FIELD, LIMIT_EXCEEDED
 */
export function buildEntry(
  header: RawHeader,
  extension: MemberExtension,
  data: MemberPlace,
): TarEntry | undefined {
  const { pax, longLink } = extension;
  const { place } = data;
  const path = checkedPath(pathOf(header, extension), place);
  const type = memberType(header, extension);
  if (type === undefined) return undefined;
  const mtime = mtimeOf(header, pax, place);
  return {
    path,
    linkPath: checkedPath(longLink || pax.get("linkpath") || header.linkName, place),
    type,
    mode: header.mode,
    uid: paxInteger(pax, "uid", place) ?? header.uid,
    gid: paxInteger(pax, "gid", place) ?? header.gid,
    mtimeSeconds: mtime.seconds,
    mtimeNanoseconds: mtime.nanoseconds,
    size: data.size,
    dataOffset: data.dataOffset,
    storedSize: data.storedSize,
    deviceMajor: header.deviceMajor,
    deviceMinor: header.deviceMinor,
    xattrs: pax === noRecords ? [] : paxXattrs(pax),
    sparse: data.sparse,
  };
}

function mtimeOf(header: RawHeader, pax: PaxRecords, place: () => string): PaxTime {
  const fromPax = pax === noRecords ? undefined : paxTime(pax, "mtime", place);
  return fromPax ?? { seconds: header.mtime, nanoseconds: 0 };
}

function checkedPath(path: ByteString, place: () => string): ByteString {
  if (path.length <= limits.pathSize) return path;
  throw new LadeError(
    "LIMIT_EXCEEDED",
    `${place()}: name of ${path.length} bytes (${byteStringToText(path.slice(0, 40))}…), expected at most ${limits.pathSize}`,
  );
}
