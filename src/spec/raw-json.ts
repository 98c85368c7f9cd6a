// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { parseJson } from "./document.ts";
import { compareGoStrings, formatGoJson } from "./go-json.ts";

/** A member's name and the bytes of its value, compacted. */
export type RawMember = readonly [key: string, value: Uint8Array];

const BACKSLASH = 0x5c;
const BRACES_OPEN = new Set([0x7b, 0x5b]);
const BRACES_CLOSE = new Set([0x7d, 0x5d]);
const SPACES = new Set([0x20, 0x09, 0x0a, 0x0d]);

// Latin-1 keeps every byte, so that malformed UTF-8 goes through as it does in Go. U+2028 and
// U+2029 are these three bytes.
const ESCAPED = /[<>&]|\xe2\x80[\xa8\xa9]/g;

function escapeRaw(match: string): string {
  if (match.length === 1) return `\\u00${match.charCodeAt(0).toString(16)}`;
  return match.endsWith("\xa8") ? "\\u2028" : "\\u2029";
}

/** The index behind the string that starts at `start`. */
function stringEnd(text: string, start: number): number {
  let index = start + 1;
  while (text[index] !== '"') index += text.charCodeAt(index) === BACKSLASH ? 2 : 1;
  return index + 1;
}

function skipSpaces(text: string, start: number): number {
  let index = start;
  while (SPACES.has(text.charCodeAt(index))) index++;
  return index;
}

/** Takes the value that starts at `start`: without spaces, and the index behind it. */
function takeValue(text: string, start: number): { compact: string; end: number } {
  const parts: string[] = [];
  let depth = 0;
  let index = start;
  for (;;) {
    const code = text.charCodeAt(index);
    let next = index + 1;
    if (text[index] === '"') next = stringEnd(text, index);
    else if (BRACES_OPEN.has(code)) depth++;
    else if (BRACES_CLOSE.has(code)) depth--;
    if (!SPACES.has(code)) parts.push(text.slice(index, next));
    index = next;
    const following = text[index];
    if (depth === 0 && (following === "," || following === "}" || following === undefined)) break;
    if (depth === 0 && SPACES.has(text.charCodeAt(index))) break;
  }
  return { compact: parts.join("").replace(ESCAPED, escapeRaw), end: skipSpaces(text, index) };
}

/**
 * Splits a JSON object into its members without reading the values: numbers, escapes and bytes
 * stay as written, only spaces between tokens go, and `<`, `>`, `&`, U+2028 and U+2029 are escaped.
 * That is what Go makes of a `map[string]json.RawMessage` that it decodes and encodes again.
 *
 * @param place what the bytes were read from
 * @returns members in document order; of equal keys the last value, at the first one's place
 * @throws LadeError LIMIT_EXCEEDED, DOCUMENT_INVALID
 */
export function compactRawJson(bytes: Uint8Array, place: string): RawMember[] {
  const document = parseJson(bytes, place);
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new LadeError("DOCUMENT_INVALID", `${place}: expected a JSON object`);
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const members = new Map<string, Uint8Array>();
  let index = skipSpaces(text, skipSpaces(text, 0) + 1);
  while (text[index] !== "}") {
    const keyEnd = stringEnd(text, index);
    const key = String(parseJson(Buffer.from(text.slice(index, keyEnd), "latin1"), place));
    const colon = skipSpaces(text, keyEnd);
    const { compact, end } = takeValue(text, skipSpaces(text, colon + 1));
    members.set(key, Buffer.from(compact, "latin1"));
    index = text[end] === "," ? skipSpaces(text, end + 1) : end;
  }
  return [...members];
}

/** Puts members together again, sorted by key, as Go encodes a map. */
export function joinRawJson(members: readonly RawMember[]): Buffer {
  const sorted = [...members].sort(([a], [b]) => compareGoStrings(a, b));
  const parts = sorted.map(([key, value], index) =>
    Buffer.concat([
      Buffer.from(`${index === 0 ? "" : ","}${formatGoJson(key, { controls: "long" })}:`),
      value,
    ]),
  );
  return Buffer.concat([Buffer.from("{"), ...parts, Buffer.from("}")]);
}
