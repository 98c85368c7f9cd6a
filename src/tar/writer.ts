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
  const records = paxRecordsOf(member, path);
  const header = encodeHeader(member, path, typeFlags[member.type]);
  if (records === "") return header;
  const body = Buffer.from(records, "latin1");
  const extension = encodeHeader({ mode: 0o644, size: body.length }, "PaxHeaders.0/member", "x");
  return Buffer.concat([extension, body, Buffer.alloc(paddingOf(body.length)), header]);
}

/** What fits is written in the header only, so that plain archives stay plain. */
function paxRecordsOf(member: NewMember, path: ByteString): string {
  const records: string[] = [];
  const add = (key: string, value: ByteString) => records.push(encodePaxRecord(key, value));
  if (splitPath(path) === undefined || !isAscii(path)) add("path", path);
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
  return value >= 0 && value < (field.size === 8 ? octal7 : octal11);
}

const octal7 = 8 ** 7;
const octal11 = 8 ** 11;

/** Name and prefix of a path as ustar splits it; undefined where it does not fit. */
function splitPath(path: ByteString): { name: ByteString; prefix: ByteString } | undefined {
  if (path.length <= fields.name.size) return { name: path, prefix: "" };
  const slash = path.lastIndexOf("/", fields.prefix.size);
  const name = path.slice(slash + 1);
  if (slash <= 0 || name === "" || name.length > fields.name.size) return undefined;
  return { name, prefix: path.slice(0, slash) };
}

type HeaderInput = Omit<NewMember, "type" | "path">;

const digit0 = 0x30;
const space = 0x20;

/** A header of empty names and of numbers that are all 0, and the sum of its bytes. */
const template: Buffer = makeTemplate();
const templateSum: number = template.reduce((sum, byte) => sum + byte, 0);

function makeTemplate(): Buffer {
  const block = Buffer.alloc(blockSize);
  const numbers = ["mode", "uid", "gid", "size", "mtime", "deviceMajor", "deviceMinor"] as const;
  for (const { offset, size } of numbers.map((name) => fields[name])) {
    block.fill(digit0, offset, offset + size - 1);
  }
  const { magic, checksum } = fields;
  block.write("ustar\x0000", magic.offset, "latin1");
  // The field itself counts as spaces.
  block.fill(space, checksum.offset, checksum.offset + checksum.size);
  return block;
}

/** Adds up the checksum as it goes: a tar of many small files is mostly headers. */
function encodeHeader(input: HeaderInput, path: ByteString, typeFlag: string): Buffer {
  const block = Buffer.allocUnsafe(blockSize);
  template.copy(block);
  const split = splitPath(path);
  let sum = templateSum;
  sum += putText(block, fields.name, split?.name ?? path);
  sum += putText(block, fields.prefix, split?.prefix ?? "");
  sum += putNumber(block, fields.mode, input.mode);
  sum += putNumber(block, fields.uid, input.uid ?? 0);
  sum += putNumber(block, fields.gid, input.gid ?? 0);
  sum += putNumber(block, fields.size, input.size ?? 0);
  sum += putNumber(block, fields.mtime, input.mtimeSeconds ?? 0);
  sum += putText(block, fields.typeFlag, typeFlag);
  sum += putText(block, fields.linkName, input.linkPath ?? "");
  sum += putNumber(block, fields.deviceMajor, input.deviceMajor ?? 0);
  sum += putNumber(block, fields.deviceMinor, input.deviceMinor ?? 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, fields.checksum.offset, "latin1");
  return block;
}

/**
 * Writes as much of a text as the field holds.
 *
 * @returns the sum of its bytes
 */
function putText(block: Buffer, field: Field, text: ByteString): number {
  const size = Math.min(text.length, field.size);
  let sum = 0;
  for (let index = 0; index < size; index++) {
    const byte = text.charCodeAt(index) % 256;
    block[field.offset + index] = byte;
    sum += byte;
  }
  return sum;
}

/**
 * Writes a number over the zeros that are there. Where it does not fit, the pax header before holds
 * it and the field stays 0.
 *
 * @returns the sum of its digits
 */
function putNumber(block: Buffer, field: Field, value: number): number {
  let sum = 0;
  let rest = fits(value, field) ? value : 0;
  for (let at = field.offset + field.size - 2; rest > 0; at--) {
    const digit = rest % 8;
    block[at] = digit0 + digit;
    sum += digit;
    rest = (rest - digit) / 8;
  }
  return sum;
}
