// SPDX-License-Identifier: Apache-2.0

import { changeError } from "./change-error.ts";

const SYNTAX = /[[\]{}.+()|^$]/;

/** A shell pattern of `*` and `?` as a regular expression; sets in brackets are none here. */
function toRegExp(pattern: string, options: { greedy: boolean; anchored: boolean }): RegExp {
  const characters = Array.from(pattern);
  let source = options.anchored ? "^" : "";
  for (let index = 0; index < characters.length; index++) {
    let character = characters[index] ?? "";
    if (character === "*") {
      source += options.greedy ? "[^\\n]*" : "[^\\n]*?";
      continue;
    }
    if (character === "?") {
      source += "[^\\n]";
      continue;
    }
    if (character === "\\") {
      const next = characters[index + 1];
      // `}` and `/` are escaped for the sake of `${}`, not of the pattern.
      if (next === "}" || next === "/") continue;
      if (next !== "*" && next !== "?" && next !== "\\") {
        throw changeError(
          `invalid pattern (${pattern}) in substitution: invalid escape '\\${next ?? "\ufffd"}'`,
        );
      }
      index++;
      source += "\\";
      character = next;
    } else if (SYNTAX.test(character)) {
      source += "\\";
    }
    source += character;
  }
  return new RegExp(source, "gu");
}

function reversePattern(pattern: string): string {
  const pieces = pattern.match(/\\[\s\S]|[\s\S]/gu) ?? [];
  return pieces.reverse().join("");
}

function reverse(text: string): string {
  return Array.from(text).reverse().join("");
}

/** `${name#pattern}`; greedy is `##`. */
export function trimPrefix(value: string, pattern: string, options: { greedy: boolean }): string {
  const match = toRegExp(pattern, { ...options, anchored: true }).exec(value);
  return match === null ? value : value.slice(match[0].length);
}

/**
 * `${name%pattern}`; greedy is `%%`. Both sides are turned round, since an expression finds the
 * shortest match only from the left.
 */
export function trimSuffix(value: string, pattern: string, options: { greedy: boolean }): string {
  return reverse(trimPrefix(reverse(value), reversePattern(pattern), options));
}

/** `${name/pattern/replacement}`; all is `//`. */
export function replacePattern(
  value: string,
  pattern: string,
  options: { replacement: string; all: boolean },
): string {
  let result = "";
  let copied = 0;
  for (const match of value.matchAll(toRegExp(pattern, { greedy: true, anchored: false }))) {
    // Go ignores an empty match right behind another one.
    if (match[0] === "" && match.index > 0 && match.index === copied) continue;
    result += value.slice(copied, match.index) + options.replacement;
    copied = match.index + match[0].length;
    if (!options.all) break;
  }
  return result + value.slice(copied);
}
