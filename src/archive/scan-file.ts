// SPDX-License-Identifier: Apache-2.0

import { byteStringToText } from "../tar/entry.ts";
import { MemberTable, recordOf } from "./member.ts";
import { skippableFile, walkTar } from "./walk-tar.ts";

/**
 * Lists the members of an archive in a file that can be read at any place.
 *
 * Only headers are read: data of members is jumped over.
 *
 * @param range where the archive lies in the file
 * @throws LadeError TAR_CHECKSUM, TAR_FIELD, TAR_TRUNCATED, NAME_ESCAPES, LIMIT_EXCEEDED
 */
export async function scanFile(
  fd: number,
  range: { readonly offset: number; readonly size: number },
  place: string,
): Promise<MemberTable> {
  const table = new MemberTable(place);
  const { offset, size } = range;
  await walkTar(skippableFile(fd, { offset, size, place }), {
    place,
    async onEntry(entry) {
      const name = byteStringToText(entry.path);
      const content = { type: "range", fd, offset: offset + entry.dataOffset } as const;
      table.add(name, await recordOf(entry, () => ({ name, size: entry.storedSize, content })));
    },
  });
  return table;
}
