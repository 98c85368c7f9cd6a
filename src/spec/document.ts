// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";

// Go takes malformed UTF-8 in JSON and puts U+FFFD in its place, and it refuses a byte order mark.
const utf8 = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Finds nesting that is too deep before anything recursive sees the document.
 *
 * Works on any text: what is no JSON is found by the parser afterwards.
 */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === BACKSLASH) index++;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) {
      inString = true;
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > limits.documentDepth) return true;
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    }
  }
  return false;
}

/** Go reads half of a surrogate pair as U+FFFD; JavaScript would keep the half. */
function replaceLoneSurrogates(text: string): string {
  if (!/\\u[dD][89a-fA-F]/.test(text)) return text;
  return text.replace(
    /\\(?:u(d[89ab][0-9a-f]{2})(\\ud[c-f][0-9a-f]{2})?|u(d[c-f][0-9a-f]{2})|[\s\S])/gi,
    (sequence, high, low, loneLow) =>
      (high !== undefined && low === undefined) || loneLow !== undefined ? "\\ufffd" : sequence,
  );
}

/** The parser's words quote the document, so only the position is taken from them. */
function syntaxError(place: string, text: string, cause: unknown): LadeError {
  const message = cause instanceof Error ? cause.message : "";
  const position = /at position (\d+)/.exec(message)?.[1];
  let reason = position === undefined ? "" : ` at character ${position}`;
  if (text.trim() === "") reason = ": it is empty";
  else if (text.startsWith("\ufeff")) reason = ": it starts with a byte order mark";
  else if (message.includes("end of JSON input")) reason = ": it ends too early";
  return new LadeError("DOCUMENT_INVALID", `${place}: not valid JSON${reason}`, { cause });
}

/**
 * Decodes one JSON document from outside, with Go's view of text (encoding/json): malformed UTF-8
 * and unpaired surrogates become U+FFFD, the last of equal keys counts, and a byte order mark or
 * anything behind the value is an error.
 *
 * @param place what the bytes were read from; comes first in every error
 * @param maxSize bytes
 * @throws LadeError LIMIT_EXCEEDED (size, depth), DOCUMENT_INVALID (no JSON)
 */
export function parseJson(
  bytes: Uint8Array,
  place: string,
  maxSize: number = limits.documentSize,
): unknown {
  if (bytes.length > maxSize) {
    throw new LadeError(
      "LIMIT_EXCEEDED",
      `${place}: a document may have ${maxSize} bytes, this one has ${bytes.length}`,
    );
  }
  const text = utf8.decode(bytes);
  if (isTooDeep(text)) {
    throw new LadeError(
      "LIMIT_EXCEEDED",
      `${place}: JSON may be nested ${limits.documentDepth} levels deep, this is deeper`,
    );
  }
  try {
    return JSON.parse(replaceLoneSurrogates(text));
  } catch (error) {
    throw syntaxError(place, text, error);
  }
}
