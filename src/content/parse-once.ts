// SPDX-License-Identifier: Apache-2.0

import { parseStoredJson } from "./stored-json.ts";

/** Texts of the database that a process which answers many requests reads again and again. */
const keptTexts = 512;
/** Characters; longer ones are rare, and would take too much memory together. */
const longestText = 32 * 1024;

const known = new Map<string, unknown>();

/**
 * Parses JSON of the store's own making. The same text gives the same object, so that what is made of
 * it can be remembered by it; nobody may change it.
 */
export function parseOnce<T>(text: string): T {
  const found = known.get(text);
  if (found !== undefined) return found as T;
  const value = parseStoredJson<T>(text);
  if (text.length > longestText) return value;
  if (known.size >= keptTexts) known.delete(known.keys().next().value ?? "");
  known.set(text, value);
  return value;
}
