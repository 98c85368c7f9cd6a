// SPDX-License-Identifier: Apache-2.0

/** The escapes of text/template: `html`, `js` and `urlquery`. */

import { isPrintable } from "./text.ts";

const htmlEscapes = new Map([
  ["\0", "\ufffd"],
  ['"', "&#34;"],
  ["'", "&#39;"],
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
]);

/** Text for HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, (character) => htmlEscapes.get(character) ?? character);
}

/** Text for a JavaScript string. */
export function escapeJs(text: string): string {
  return text.replace(/[^ !#-%(-;?-[\]-\x7f]/gu, (rune) => {
    if (rune === "\\" || rune === "'" || rune === '"') return `\\${rune}`;
    const code = rune.codePointAt(0) ?? 0;
    if (code >= 0x80 && isPrintable(rune)) return rune;
    return `\\u${code.toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

/** Text for the query of a URL. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}
