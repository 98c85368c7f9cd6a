// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { type ByteString, toByteString } from "./entry.ts";

/** Records of a pax extended header, in order; a later record of the same key wins. */
export type PaxRecords = ReadonlyMap<string, ByteString>;

/** Keys that come many times and whose order carries the meaning (GNU sparse format 0.0). */
const repeatedKeys = new Set(["GNU.sparse.offset", "GNU.sparse.numbytes"]);

const xattrPrefix = "SCHILY.xattr.";

const digit0 = 0x30;
const digit9 = 0x39;

/**
 * Decodes the body of a pax header: `LENGTH KEY=VALUE\n`, again and again.
 *
 * Repeated sparse keys are joined with commas, which is the form of sparse format 0.1.
 *
 * @throws LadeError TAR_FIELD for a length that is no number or leads past the body
 *   (CPython's CVE-2019-20907 loops for ever on a length of 0), for a record without `=` or
 *   newline, and for NUL in a name (Node's fs throws on it, other readers cut there)
 * @see POSIX.1-2017 pax, "pax Extended Header"
 */
export function decodePax(body: Buffer, place: () => string): PaxRecords {
  const records = new Map<string, ByteString>();
  let offset = 0;
  while (offset < body.length) {
    // Some writers pad the body with NUL up to the block.
    if (body[offset] === 0) break;
    offset = decodeRecord(body, offset, { records, place });
  }
  return records;
}

interface RecordSink {
  readonly records: Map<string, ByteString>;
  readonly place: () => string;
}

function decodeRecord(body: Buffer, start: number, sink: RecordSink): number {
  let length = 0;
  let offset = start;
  for (; offset < body.length; offset++) {
    const byte = body[offset] as number;
    if (byte < digit0 || byte > digit9) break;
    length = length * 10 + (byte - digit0);
    if (length > body.length) break;
  }
  const end = start + length;
  const isFramed =
    offset > start && body[offset] === 0x20 && end <= body.length && end > offset + 2;
  if (!isFramed || body[end - 1] !== 0x0a) throw invalidRecord(start, sink, "its length is wrong");
  const equals = body.indexOf(0x3d, offset + 1);
  if (equals < 0 || equals >= end - 1) throw invalidRecord(start, sink, "it has no '='");
  if (equals === offset + 1) throw invalidRecord(start, sink, "its key is empty");
  const key = toByteString(body, offset + 1, equals);
  const value = toByteString(body, equals + 1, end - 1);
  if (key.includes("\0")) throw invalidRecord(start, sink, "its key holds a NUL");
  if (value.includes("\0") && !key.startsWith(xattrPrefix)) {
    throw invalidRecord(start, sink, `${key} holds a NUL`);
  }
  const earlier = repeatedKeys.has(key) ? sink.records.get(key) : undefined;
  sink.records.set(key, earlier === undefined ? value : `${earlier},${value}`);
  return end;
}

function invalidRecord(offset: number, sink: RecordSink, reason: string): LadeError {
  return new LadeError(
    "TAR_FIELD",
    `${sink.place()}: invalid pax header: record at byte ${offset}: ${reason}`,
  );
}

/**
 * A whole number from a pax record.
 *
 * @throws LadeError TAR_FIELD for anything but digits up to 2^53 - 1
 */
export function paxInteger(
  records: PaxRecords,
  key: string,
  place: () => string,
): number | undefined {
  const text = records.get(key);
  if (text === undefined || text === "") return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new LadeError(
    "TAR_FIELD",
    `${place()}: invalid pax header: ${key} is ${JSON.stringify(text)}, expected a number from 0 to 2^53-1`,
  );
}

/** A time from a pax record: seconds rounded down, and the nanoseconds above them. */
export interface PaxTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/**
 * A time such as `-1.5` (which is 1.5 s before the epoch).
 *
 * @throws LadeError TAR_FIELD for anything that is no decimal number
 */
export function paxTime(
  records: PaxRecords,
  key: string,
  place: () => string,
): PaxTime | undefined {
  const text = records.get(key);
  if (text === undefined || text === "") return undefined;
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (match === null) {
    throw new LadeError(
      "TAR_FIELD",
      `${place()}: invalid pax header: ${key} is ${JSON.stringify(text)}, expected a time in seconds`,
    );
  }
  const whole = Number(match[2]);
  const fraction = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (match[1] === "") return { seconds: whole, nanoseconds: fraction };
  if (fraction === 0) return { seconds: whole === 0 ? 0 : -whole, nanoseconds: 0 };
  return { seconds: -whole - 1, nanoseconds: 1_000_000_000 - fraction };
}

/** Extended attributes among the records. */
export function paxXattrs(records: PaxRecords): (readonly [ByteString, ByteString])[] {
  const xattrs: (readonly [ByteString, ByteString])[] = [];
  for (const [key, value] of records) {
    if (key.startsWith(xattrPrefix)) xattrs.push([key.slice(xattrPrefix.length), value]);
  }
  return xattrs;
}

/** Encodes one record; its length counts its own digits. */
export function encodePaxRecord(key: string, value: ByteString): ByteString {
  const rest = ` ${key}=${value}\n`;
  let size = rest.length + String(rest.length).length;
  if (String(size).length + rest.length !== size) size = rest.length + String(size).length;
  return `${size}${rest}`;
}
