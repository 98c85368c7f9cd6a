// SPDX-License-Identifier: Apache-2.0

import { readFileSync, readSync } from "node:fs";
import { LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { limits } from "../base/limits.ts";
import { type Digest, digestHex, digestOf } from "../spec/digest.ts";
import type { Member, MemberSet } from "./member.ts";

/**
 * The bytes of a document in an archive.
 *
 * @throws LadeError ARCHIVE_MEMBER_MISSING, LIMIT_EXCEEDED for one that is larger than any honest one
 */
export function readMember(
  members: MemberSet,
  name: string,
  options: { readonly wantedBy: string; readonly maxSize?: number },
): Buffer {
  const member = members.lookup(name, options.wantedBy);
  if (member === undefined) {
    throw new LadeError(
      "ARCHIVE_MEMBER_MISSING",
      `${members.place}: ${name}: not in the archive, though ${options.wantedBy} names it`,
      { hint: "The archive is incomplete: save the image again." },
    );
  }
  return memberBytes(member, members.place, options.maxSize ?? limits.documentSize);
}

function memberBytes(member: Member, place: string, maxSize: number): Buffer {
  const { content, size } = member;
  if (size > maxSize) {
    throw new LadeError(
      "LIMIT_EXCEEDED",
      `${place}: ${member.name}: document of ${size} bytes, expected at most ${maxSize}`,
    );
  }
  if (content.type === "bytes") return content.bytes;
  if (content.type === "staged") return readFileSync(content.path);
  const bytes = Buffer.allocUnsafe(size);
  let done = 0;
  try {
    while (done < size) {
      const count = readSync(content.fd, bytes, done, size - done, content.offset + done);
      if (count === 0) break;
      done += count;
    }
  } catch (error) {
    throw ioError(error, `read ${place}: ${member.name}`);
  }
  return bytes.subarray(0, done);
}

/** The name of a blob in an OCI layout. */
export function blobName(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

/**
 * A document of an OCI layout, checked against its descriptor.
 *
 * @throws LadeError ARCHIVE_MEMBER_MISSING, DIGEST_MISMATCH for wrong bytes or a wrong size
 */
export function readBlobDocument(
  members: MemberSet,
  descriptor: { readonly digest: Digest; readonly size: number },
  wantedBy: string,
): Buffer {
  const name = blobName(descriptor.digest);
  const bytes = readMember(members, name, { wantedBy });
  checkDocument(bytes, descriptor, `${members.place}: ${name}`);
  return bytes;
}

function checkDocument(
  bytes: Buffer,
  want: { readonly digest: Digest; readonly size: number },
  place: string,
): void {
  const hint = "The archive is damaged: copy it again, or save the image again.";
  if (bytes.length !== want.size) {
    throw new LadeError(
      "DIGEST_MISMATCH",
      `${place}: size mismatch: want ${want.size} bytes, got ${bytes.length}`,
      { hint },
    );
  }
  const got = digestOf(bytes);
  if (got !== want.digest) {
    throw new LadeError(
      "DIGEST_MISMATCH",
      `${place}: digest mismatch: want ${want.digest}, got ${got}`,
      { hint },
    );
  }
}
