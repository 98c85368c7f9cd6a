// SPDX-License-Identifier: Apache-2.0

import { alignUp } from "../base/bytes.ts";
import type { ByteString, TarEntryType } from "./entry.ts";
import { blockSize, type Field, fields } from "./header.ts";
import { encodePaxRecord } from "./pax.ts";

/** A member to be written. Times and owners default to 0, so that equal content gives equal bytes. */
export interface NewMember {
  readonly path: ByteString;
  readonly type: TarEntryType;
  /** Bytes that follow; 0 for all but files. */
  readonly size?: number;
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtimeSeconds?: number;
  /** 0 to 999,999,999. */
  readonly mtimeNanoseconds?: number;
  readonly linkPath?: ByteString;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
  readonly xattrs?: readonly (readonly [name: ByteString, value: ByteString])[];
}

const typeFlags: Readonly<Record<TarEntryType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

/** The two zero blocks that end an archive. */
export const endOfArchive: Buffer = Buffer.alloc(2 * blockSize);

/** How many zero bytes follow `size` bytes of data. */
export function paddingOf(size: number): number {
  return alignUp(size, blockSize) - size;
}

/**
 * Encodes the header of a member, with a pax header before it where a field does not fit ustar.
 *
 * @returns a multiple of 512 bytes; data and its padding are the caller's
 * @see POSIX.1-2017 pax, "ustar Interchange Format"
 */
export function encodeMember(member: NewMember): Buffer {
  const path =
    member.type === "directory" && !member.path.endsWith("/") ? `${member.path}/` : member.path;
  const records = paxRecordsOf({ ...member, path });
  const header = encodeHeader({ ...member, path, typeFlag: typeFlags[member.type] });
  if (records === "") return header;
  const body = Buffer.from(records, "latin1");
  const extension = encodeHeader({
    path: "PaxHeaders.0/member",
    typeFlag: "x",
    mode: 0o644,
    size: body.length,
  });
  return Buffer.concat([extension, body, Buffer.alloc(paddingOf(body.length)), header]);
}

/** What fits is written in the header only, so that plain archives stay plain. */
function paxRecordsOf(member: NewMember): string {
  const records: string[] = [];
  const add = (key: string, value: ByteString) => records.push(encodePaxRecord(key, value));
  if (splitPath(member.path) === undefined || !isAscii(member.path)) add("path", member.path);
  const link = member.linkPath ?? "";
  if (link.length > fields.linkName.size || !isAscii(link)) add("linkpath", link);
  if (!fits(member.size ?? 0, fields.size)) add("size", String(member.size));
  if (!fits(member.uid ?? 0, fields.uid)) add("uid", String(member.uid));
  if (!fits(member.gid ?? 0, fields.gid)) add("gid", String(member.gid));
  const seconds = member.mtimeSeconds ?? 0;
  const nanoseconds = member.mtimeNanoseconds ?? 0;
  if (nanoseconds !== 0 || !fits(seconds, fields.mtime)) {
    add("mtime", formatPaxTime(seconds, nanoseconds));
  }
  for (const [name, value] of member.xattrs ?? []) add(`SCHILY.xattr.${name}`, value);
  return records.join("");
}

function isAscii(text: ByteString): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII is what is meant.
  return /^[\x00-\x7f]*$/.test(text);
}

function formatPaxTime(seconds: number, nanoseconds: number): string {
  if (nanoseconds === 0) return String(seconds);
  // Seconds are rounded down, so -1 s and 750,000,000 ns is -0.25.
  const isNegative = seconds < 0;
  const whole = isNegative ? -seconds - 1 : seconds;
  const fraction = isNegative ? 1_000_000_000 - nanoseconds : nanoseconds;
  const digits = String(fraction).padStart(9, "0").replace(/0+$/, "");
  return `${isNegative ? "-" : ""}${whole}.${digits}`;
}

/** A number field holds one octal digit less than its size, and a NUL. */
function fits(value: number, field: Field): boolean {
  return value >= 0 && value < 8 ** (field.size - 1);
}

/** Name and prefix of a path as ustar splits it; undefined where it does not fit. */
function splitPath(path: ByteString): { name: ByteString; prefix: ByteString } | undefined {
  if (path.length <= fields.name.size) return { name: path, prefix: "" };
  const slash = path.lastIndexOf("/", fields.prefix.size);
  const name = path.slice(slash + 1);
  if (slash <= 0 || name === "" || name.length > fields.name.size) return undefined;
  return { name, prefix: path.slice(0, slash) };
}

interface HeaderInput extends Omit<NewMember, "type"> {
  readonly typeFlag: string;
}

function encodeHeader(input: HeaderInput): Buffer {
  const block = Buffer.alloc(blockSize);
  const split = splitPath(input.path);
  const name = split?.name ?? input.path.slice(0, fields.name.size);
  putText(block, fields.name, name);
  putText(block, fields.prefix, split?.prefix ?? "");
  putNumber(block, fields.mode, input.mode);
  putNumber(block, fields.uid, input.uid ?? 0);
  putNumber(block, fields.gid, input.gid ?? 0);
  putNumber(block, fields.size, input.size ?? 0);
  putNumber(block, fields.mtime, input.mtimeSeconds ?? 0);
  putText(block, fields.typeFlag, input.typeFlag);
  putText(block, fields.linkName, (input.linkPath ?? "").slice(0, fields.linkName.size));
  putText(block, fields.magic, "ustar\x0000");
  putNumber(block, fields.deviceMajor, input.deviceMajor ?? 0);
  putNumber(block, fields.deviceMinor, input.deviceMinor ?? 0);
  putChecksum(block);
  return block;
}

function putText(block: Buffer, field: Field, text: ByteString): void {
  block.write(text, field.offset, field.size, "latin1");
}

/** Where a number does not fit, the pax header before holds it and the field is 0. */
function putNumber(block: Buffer, field: Field, value: number): void {
  const digits = fits(value, field) ? value.toString(8) : "0";
  putText(block, field, digits.padStart(field.size - 1, "0"));
}

function putChecksum(block: Buffer): void {
  block.fill(0x20, fields.checksum.offset, fields.checksum.offset + fields.checksum.size);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, fields.checksum.offset, "latin1");
}
