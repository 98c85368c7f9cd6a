// SPDX-License-Identifier: Apache-2.0

/** The functions that Docker's command line adds to templates, and their forms for table headers. */

import { checkLength, fault } from "./bounds.ts";
import { printAll } from "./format.ts";
import {
  numberOf,
  type TemplateFunction,
  type TemplateFunctions,
  textOf,
} from "./function-types.ts";
import { encodeJson } from "./json.ts";
import { byteLength, byteSlice, mapRunes, sortText } from "./text.ts";
import {
  elementOf,
  missing,
  sliceValue,
  sortedKeys,
  textValue,
  typeOf,
  type Value,
} from "./values.ts";

export const dockerFunctions: TemplateFunctions = {
  json: { fixed: ["any"], call: ([value = missing]) => textValue(encodeJson(value)) },
  split: {
    fixed: ["string", "string"],
    call: ([text = missing, separator = missing]) => split(textOf(text), textOf(separator)),
  },
  join: {
    fixed: ["any", "string"],
    call: ([items = missing, separator = missing]) => textValue(join(items, textOf(separator))),
  },
  title: textMapping(title),
  lower: textMapping((text) => mapRunes(text, lowerRune)),
  upper: textMapping((text) => mapRunes(text, upperRune)),
  pad: {
    fixed: ["string", "int", "int"],
    call: ([text = missing, before = missing, after = missing]) =>
      textValue(pad(textOf(text), numberOf(before), numberOf(after))),
  },
  truncate: {
    fixed: ["string", "int"],
    call: ([text = missing, length = missing]) =>
      textValue(truncate(textOf(text), numberOf(length))),
  },
};

/** For the header of a table: the column's name comes out as it went in, but for `pad`. */
export const headerFunctions: TemplateFunctions = {
  ...dockerFunctions,
  json: firstArgument("string"),
  split: firstArgument("string", "string"),
  join: firstArgument("string", "string"),
  title: firstArgument("string"),
  lower: firstArgument("string"),
  upper: firstArgument("string"),
  truncate: firstArgument("string", "int"),
};

function firstArgument(...fixed: TemplateFunction["fixed"]): TemplateFunction {
  return { fixed, call: ([text = missing]) => text };
}

function textMapping(map: (text: string) => string): TemplateFunction {
  return { fixed: ["string"], call: ([text = missing]) => textValue(map(textOf(text))) };
}

function split(text: string, separator: string): Value {
  const parts = separator === "" ? Array.from(text) : text.split(separator);
  return sliceValue(parts, "[]string");
}

function join(items: Value, separator: string): string {
  switch (items.kind) {
    case "missing":
      return "";
    case "slice": {
      let text = "";
      items.items.forEach((item, index) => {
        text += (index > 0 ? separator : "") + printAll([elementOf(items, item)]);
        checkLength(text.length);
      });
      return text;
    }
    case "map": {
      const texts = sortedKeys(items).map((key) => {
        return printAll([elementOf(items, items.entries[key])]);
      });
      checkLength(texts.length * (separator.length + 1));
      return sortText(texts).join(separator);
    }
    default:
      return items.kind === "nil" && typeOf(items) === "interface {}"
        ? ""
        : fault(`expected slice, got ${typeOf(items)}`);
  }
}

function upperRune(rune: string): string {
  return rune.toUpperCase();
}

function lowerRune(rune: string): string {
  // The one rune whose simple mapping is not what ECMAScript gives.
  return rune === "\u0130" ? "i" : rune.toLowerCase();
}

/**
 * strings.Title: the first letter of each word in upper case. Words end at white space and at
 * ASCII that is no letter, digit or underscore.
 */
function title(text: string): string {
  const firstOfWord = /(?<=^|[\0-/:-@[-^`{-\x7f\s])./gsu;
  return text.replace(firstOfWord, (rune) => mapRunes(rune, upperRune));
}

/** Spaces around a text that is not empty. */
function pad(text: string, before: bigint, after: bigint): string {
  if (text === "") return text;
  if (before < 0n || after < 0n) fault("strings: negative Repeat count");
  checkLength(Number(before));
  checkLength(Number(after));
  return " ".repeat(Number(before)) + text + " ".repeat(Number(after));
}

/** The first bytes of a text. */
function truncate(text: string, length: bigint): string {
  if (BigInt(byteLength(text)) < length) return text;
  if (length < 0n) fault(`runtime error: slice bounds out of range [:${length}]`);
  return byteSlice(text, 0, Number(length));
}
