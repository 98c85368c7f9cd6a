// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { type ByteString, toByteString } from "./entry.ts";

export const blockSize = 512;

/** Offsets and lengths of the fields of a header block. @see POSIX.1-2017 pax, "ustar Interchange Format" */
export const fields = {
  name: { offset: 0, size: 100 },
  mode: { offset: 100, size: 8 },
  uid: { offset: 108, size: 8 },
  gid: { offset: 116, size: 8 },
  size: { offset: 124, size: 12 },
  mtime: { offset: 136, size: 12 },
  checksum: { offset: 148, size: 8 },
  typeFlag: { offset: 156, size: 1 },
  linkName: { offset: 157, size: 100 },
  magic: { offset: 257, size: 8 },
  userName: { offset: 265, size: 32 },
  groupName: { offset: 297, size: 32 },
  deviceMajor: { offset: 329, size: 8 },
  deviceMinor: { offset: 337, size: 8 },
  prefix: { offset: 345, size: 155 },
  /** Only in the format of the `star` program, whose prefix is 131 bytes long. */
  starTrailer: { offset: 508, size: 4 },
} as const;

export interface Field {
  readonly offset: number;
  readonly size: number;
}

export type TarFormat = "v7" | "ustar" | "gnu" | "star";

/** One header block, before extension records are applied. */
export interface RawHeader {
  readonly format: TarFormat;
  readonly name: ByteString;
  readonly linkName: ByteString;
  /** The byte of the type flag as a character; `\0` for an old regular file. */
  readonly typeFlag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/** True for a block of zeros, of which two end an archive. */
export function isZeroBlock(block: Buffer): boolean {
  for (let index = 0; index < blockSize; index++) {
    if (block[index] !== 0) return false;
  }
  return true;
}

/**
 * Decodes one header block.
 *
 * @param block at least 512 bytes, of which the first 512 are read
 * @param place what errors name, such as `layer sha256:… at byte 1024`
 * @throws LadeError TAR_CHECKSUM when the block is no header, TAR_FIELD when a number in it is none
 */
export function decodeHeader(block: Buffer, place: () => string): RawHeader {
  checkChecksum(block, place);
  const format = formatOf(block);
  return {
    format,
    name: nameOf(block, format),
    linkName: textField(block, fields.linkName),
    typeFlag: String.fromCharCode(block[fields.typeFlag.offset] as number),
    mode: numberField(block, fields.mode, "mode", place) % 0o10000,
    uid: numberField(block, fields.uid, "uid", place),
    gid: numberField(block, fields.gid, "gid", place),
    size: numberField(block, fields.size, "size", place),
    mtime: numberField(block, fields.mtime, "mtime", place),
    // Old v7 headers have no such fields, and whatever lies there means nothing.
    deviceMajor: format === "v7" ? 0 : numberField(block, fields.deviceMajor, "devmajor", place),
    deviceMinor: format === "v7" ? 0 : numberField(block, fields.deviceMinor, "devminor", place),
  };
}

/** True when the block's checksum is right, counting bytes as unsigned or, as old tars did, signed. */
export function hasValidChecksum(block: Buffer): boolean {
  const stored = parseOctal(block, fields.checksum);
  if (stored === undefined) return false;
  const end = fields.checksum.offset + fields.checksum.size;
  // The field itself counts as eight spaces.
  let sum = 8 * 0x20;
  for (let index = 0; index < fields.checksum.offset; index++) sum += block[index] as number;
  for (let index = end; index < blockSize; index++) sum += block[index] as number;
  return stored === sum || stored === sum - 256 * highBytes(block, end);
}

function highBytes(block: Buffer, end: number): number {
  let count = 0;
  for (let index = 0; index < blockSize; index++) {
    const isCounted = index < fields.checksum.offset || index >= end;
    if (isCounted && (block[index] as number) >= 0x80) count++;
  }
  return count;
}

function checkChecksum(block: Buffer, place: () => string): void {
  if (hasValidChecksum(block)) return;
  throw new LadeError("TAR_CHECKSUM", `${place()}: invalid tar header: the checksum is wrong`, {
    hint: "The archive is damaged or no tar: copy it again and compare its checksum with the sender's.",
  });
}

const magics = { ustar: Buffer.from("ustar\0"), gnu: Buffer.from("ustar  \0") } as const;
const starTrailer: Buffer = Buffer.from("tar\0");

function formatOf(block: Buffer): TarFormat {
  if (hasBytes(block, fields.magic.offset, magics.ustar)) {
    return hasBytes(block, fields.starTrailer.offset, starTrailer) ? "star" : "ustar";
  }
  return hasBytes(block, fields.magic.offset, magics.gnu) ? "gnu" : "v7";
}

function hasBytes(block: Buffer, offset: number, wanted: Buffer): boolean {
  for (let index = 0; index < wanted.length; index++) {
    if (block[offset + index] !== wanted[index]) return false;
  }
  return true;
}

function nameOf(block: Buffer, format: TarFormat): ByteString {
  const name = textField(block, fields.name);
  // In GNU's format the bytes of the prefix hold times and the sparse map.
  if (format === "gnu" || format === "v7") return name;
  const prefix = textField(block, {
    offset: fields.prefix.offset,
    size: format === "star" ? 131 : fields.prefix.size,
  });
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** The bytes of a field up to its first NUL. */
export function textField(block: Buffer, field: Field): ByteString {
  const limit = field.offset + field.size;
  let end = field.offset;
  while (end < limit && block[end] !== 0) end++;
  return end === field.offset ? "" : toByteString(block, field.offset, end);
}

/**
 * Decodes a number: octal digits, or base-256 where the first bit is set (GNU's way for large ones).
 *
 * @throws LadeError TAR_FIELD for text that is no number and for numbers beyond 2^53 - 1
 */
export function numberField(
  block: Buffer,
  field: Field,
  name: string,
  place: () => string,
): number {
  const first = block[field.offset] as number;
  const value = first >= 0x80 ? parseBase256(block, field) : parseOctal(block, field);
  const negativeAllowed = name === "mtime";
  if (value !== undefined && Number.isSafeInteger(value) && (value >= 0 || negativeAllowed)) {
    return value;
  }
  const found = JSON.stringify(toByteString(block, field.offset, field.offset + field.size));
  throw new LadeError(
    "TAR_FIELD",
    `${place()}: invalid tar header: ${name} is ${found}, expected a number from 0 to 2^53-1`,
  );
}

/** Digits between spaces or NULs; an empty field is 0, as every tar reads it. */
function parseOctal(block: Buffer, field: Field): number | undefined {
  const limit = field.offset + field.size;
  let index = field.offset;
  while (index < limit && (block[index] === 0x20 || block[index] === 0)) index++;
  let value = 0;
  for (; index < limit; index++) {
    const byte = block[index] as number;
    if (byte === 0 || byte === 0x20) break;
    if (byte < 0x30 || byte > 0x37) return undefined;
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

/** Big-endian two's complement whose first bit only marks the form. */
function parseBase256(block: Buffer, field: Field): number {
  const first = block[field.offset] as number;
  const isNegative = first >= 0xc0;
  let value = isNegative ? first - 0x100 : first - 0x80;
  for (let index = field.offset + 1; index < field.offset + field.size; index++) {
    value = value * 256 + (block[index] as number);
  }
  return value;
}
