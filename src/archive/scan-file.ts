// SPDX-License-Identifier: Apache-2.0

import { readSync } from "node:fs";
import { ioError } from "../base/io-error.ts";
import { byteStringToText, type TarEntry } from "../tar/entry.ts";
import { TarScanner } from "../tar/scanner.ts";
import { hasHoles, MemberTable } from "./member.ts";

/** A window on the file; large enough for the headers of a few small members at once. */
const windowSize = 32 * 1024;

/**
 * Lists the members of an archive in a file that can be read at any place.
 *
 * Only headers are read: data of members is jumped over.
 *
 * @param range where the archive lies in the file
 * @throws LadeError TAR_CHECKSUM, TAR_FIELD, TAR_TRUNCATED, NAME_ESCAPES, LIMIT_EXCEEDED
 */
export function scanFile(
  fd: number,
  range: { readonly offset: number; readonly size: number },
  place: string,
): MemberTable {
  const table = new MemberTable(place);
  const scanner = new TarScanner({
    name: place,
    skipUnknownTypes: true,
    onEntry: (entry) => addEntry(table, entry, { fd, offset: range.offset }),
  });
  const window = Buffer.allocUnsafe(windowSize);
  let position = 0;
  while (position < range.size && !scanner.isEnded) {
    const count = readAt(fd, window, { place, range, position });
    if (count === 0) break;
    scanner.push(window.subarray(0, count));
    position += count;
    const next = Math.min(scanner.nextOffset, range.size);
    if (next > position) scanner.skipTo(next);
    position = Math.max(position, next);
  }
  scanner.end();
  return table;
}

function readAt(
  fd: number,
  window: Buffer,
  at: { place: string; range: { offset: number; size: number }; position: number },
): number {
  const size = Math.min(window.length, at.range.size - at.position);
  try {
    return readSync(fd, window, 0, size, at.range.offset + at.position);
  } catch (error) {
    throw ioError(error, `read ${at.place}`);
  }
}

function addEntry(
  table: MemberTable,
  entry: TarEntry,
  file: { readonly fd: number; readonly offset: number },
): void {
  const name = byteStringToText(entry.path);
  if (hasHoles(entry)) {
    table.add(name, { type: "sparse" });
    return;
  }
  switch (entry.type) {
    case "file":
      table.add(name, {
        type: "file",
        member: {
          name,
          size: entry.storedSize,
          content: { type: "range", fd: file.fd, offset: file.offset + entry.dataOffset },
        },
      });
      return;
    case "symlink":
    case "hardlink":
      table.add(name, { type: entry.type, target: byteStringToText(entry.linkPath) });
      return;
    default:
      table.add(name, { type: "other" });
  }
}
