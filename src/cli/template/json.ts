// SPDX-License-Identifier: Apache-2.0

/** Compact JSON as Go's encoding/json writes it, `<`, `>` and `&` left as they are. */

import { bounds, checkLength, fault } from "./bounds.ts";
import { quoteText } from "./quote.ts";
import {
  elementOf,
  jsonObject,
  sortedKeys,
  structFields,
  structJson,
  type Value,
} from "./values.ts";

/** The JSON of a value: maps sorted by key, structs in the order of their fields. */
export function encodeJson(value: Value, depth = 0): string {
  if (depth > bounds.dataDepth) fault(`data nested more than ${bounds.dataDepth} levels deep`);
  switch (value.kind) {
    case "missing":
    case "nil":
      return "null";
    case "bool":
    case "int":
    case "uint":
      return String(value.value);
    case "float":
      return encodeFloat(value.value);
    case "string":
      return value.type === "json.Number" ? encodeNumber(value.value) : encodeText(value.value);
    case "slice":
      if (value.isNil) return "null";
      return joined("[", "]", value.items, (item) => encodeJson(elementOf(value, item), depth + 1));
    case "map":
      if (value.isNil) return "null";
      return joined("{", "}", sortedKeys(value), (key) => {
        const entry = elementOf(value, value.entries[key]);
        return `${encodeText(key)}:${encodeJson(entry, depth + 1)}`;
      });
    case "struct": {
      const replacement = structJson(value);
      if (replacement !== undefined) {
        const text = encodeJson(replacement, depth + 1);
        return value.source.escapesHtml ? escapeHtml(text) : text;
      }
      const isNamed = value.type === jsonObject;
      const fields = structFields(value).filter(([name]) => isNamed || /^\p{Lu}/u.test(name));
      return joined("{", "}", fields, ([name, field]) => {
        return `${encodeText(name)}:${encodeJson(field, depth + 1)}`;
      });
    }
  }
}

function escapeHtml(json: string): string {
  return json.replaceAll("<", "\\u003c").replaceAll(">", "\\u003e").replaceAll("&", "\\u0026");
}

function joined<T>(
  open: string,
  close: string,
  parts: readonly T[],
  encode: (part: T) => string,
): string {
  let text = open;
  for (const part of parts) {
    text += (text === open ? "" : ",") + encode(part);
    checkLength(text.length);
  }
  return text + close;
}

/** The same as in ECMAScript, which Go follows here. */
function encodeFloat(value: number): string {
  if (Number.isNaN(value)) return fault("json: unsupported value: NaN");
  if (!Number.isFinite(value)) return fault(`json: unsupported value: ${value > 0 ? "+" : "-"}Inf`);
  return Object.is(value, -0) ? "-0" : String(value);
}

function encodeNumber(text: string): string {
  if (text === "") return "0";
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return text;
  return fault(`json: invalid number literal ${quoteText(text)}`);
}

function encodeText(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
