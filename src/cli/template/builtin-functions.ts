// SPDX-License-Identifier: Apache-2.0

/** The functions that Go's text/template brings. */

import { fault } from "./bounds.ts";
import { isEqualToAny, isLess, isTrue } from "./compare.ts";
import { escapeHtml, escapeJs, escapeQuery } from "./escape.ts";
import { isUntypedNil, printAll, printLine } from "./format.ts";
import { type TemplateFunction, type TemplateFunctions, textOf } from "./function-types.ts";
import { formatAll } from "./printf.ts";
import { byteLength, byteSlice } from "./text.ts";
import {
  boolValue,
  elementOf,
  intValue,
  mapEntry,
  mapSize,
  missing,
  placeTypeOf,
  textValue,
  typeOf,
  type Value,
  withoutPointer,
  zeroValue,
} from "./values.ts";

export const builtinFunctions: TemplateFunctions = {
  and: { fixed: ["any"], rest: "any", form: "and" },
  or: { fixed: ["any"], rest: "any", form: "or" },
  call: { fixed: ["any"], rest: "any", form: "call" },
  eq: {
    fixed: ["any"],
    rest: "any",
    call: ([left = missing, ...others]) => boolValue(isEqualToAny(left, others)),
  },
  ne: comparison((left, right) => !isEqualToAny(left, [right])),
  lt: comparison(isLess),
  le: comparison(isLessOrEqual),
  gt: comparison((left, right) => !isLessOrEqual(left, right)),
  ge: comparison((left, right) => !isLess(left, right)),
  html: textFunction((args) => escapeHtml(argumentsText(args))),
  js: textFunction((args) => escapeJs(argumentsText(args))),
  urlquery: textFunction((args) => escapeQuery(argumentsText(args))),
  print: textFunction(printAll),
  println: textFunction(printLine),
  printf: {
    fixed: ["string"],
    rest: "any",
    call: ([format = missing, ...args]) => textValue(formatAll(textOf(format), args)),
  },
  not: { fixed: ["any"], call: ([value = missing]) => boolValue(!isTrue(value)) },
  len: { fixed: ["any"], call: ([value = missing]) => intValue(lengthOf(value)) },
  index: { fixed: ["any"], rest: "any", call: ([item = missing, ...keys]) => indexAll(item, keys) },
  slice: { fixed: ["any"], rest: "any", call: ([item = missing, ...ends]) => slice(item, ends) },
};

function comparison(compare: (left: Value, right: Value) => boolean): TemplateFunction {
  return {
    fixed: ["any", "any"],
    call: ([left = missing, right = missing]) => boolValue(compare(left, right)),
  };
}

function textFunction(make: (args: readonly Value[]) => string): TemplateFunction {
  return { fixed: [], rest: "any", call: (args) => textValue(make(args)) };
}

function isLessOrEqual(left: Value, right: Value): boolean {
  return isLess(left, right) || isEqualToAny(left, [right]);
}

/** The text that the escapes work on: values as an action prints them. */
function argumentsText(args: readonly Value[]): string {
  return printAll(args.map((value) => printable(value)));
}

/** What an action prints for a value: `<no value>` for nil, a struct for a pointer to it. */
export function printable(value: Value): Value {
  return isUntypedNil(value) ? textValue("<no value>") : withoutPointer(value);
}

function lengthOf(value: Value): number {
  switch (value.kind) {
    case "missing":
      return fault("reflect: call of reflect.Value.Type on zero Value");
    case "nil":
      return fault("len of nil pointer");
    case "string":
      return byteLength(value.value);
    case "slice":
      return value.items.length;
    case "map":
      return mapSize(value);
    default:
      return fault(`len of type ${typeOf(withoutPointer(value))}`);
  }
}

function indexAll(item: Value, keys: readonly Value[]): Value {
  if (isUntypedNil(item)) fault("index of untyped nil");
  return keys.reduce(indexOne, item);
}

function indexOne(item: Value, key: Value): Value {
  switch (item.kind) {
    case "missing":
    case "nil":
      return fault("index of nil pointer");
    case "slice": {
      const at = indexArgument(key, item.items.length);
      if (at === item.items.length) fault("reflect: slice index out of range");
      return elementOf(item, item.items[at]);
    }
    case "string": {
      const bytes = Buffer.from(item.value);
      const byte = bytes[indexArgument(key, bytes.length)];
      if (byte === undefined) return fault("reflect: string index out of range");
      return { kind: "uint", type: "uint8", value: BigInt(byte) };
    }
    case "map": {
      if (isUntypedNil(key)) fault("value is nil; should be of type string");
      if (key.kind !== "string" || key.type !== "string") {
        return fault(`value has type ${typeOf(key)}; should be string`);
      }
      return mapEntry(item, key.value) ?? zeroValue(item.elementType);
    }
    default:
      return fault(`can't index item of type ${typeOf(withoutPointer(item))}`);
  }
}

function indexArgument(value: Value, limit: number): number {
  if (isUntypedNil(value)) fault("cannot index slice/array with nil");
  if (value.kind !== "int" && value.kind !== "uint") {
    return fault(`cannot index slice/array with type ${typeOf(value)}`);
  }
  if (value.value < 0n || value.value > BigInt(limit)) {
    fault(`index out of range: ${value.value}`);
  }
  return Number(value.value);
}

/** Unlike `index`, `slice` does not look into the boxes that maps and slices keep values in. */
function indexEnd(value: Value, limit: number): number {
  if (value.isBoxed) fault(`cannot index slice/array with type ${placeTypeOf(value)}`);
  return indexArgument(value, limit);
}

/** `slice x 1 2 3` is x[1:2:3]. */
function slice(item: Value, ends: readonly Value[]): Value {
  if (isUntypedNil(item)) fault("slice of untyped nil");
  if (ends.length > 3) fault(`too many slice indexes: ${ends.length}`);
  if (item.kind !== "string" && item.kind !== "slice") {
    return fault(`can't slice item of type ${typeOf(item)}`);
  }
  if (item.kind === "string" && ends.length === 3) fault("cannot 3-index slice a string");
  const length = item.kind === "string" ? byteLength(item.value) : item.items.length;
  const [start = 0, end = length, limit = length] = ends.map((at) => indexEnd(at, length));
  if (start > end) fault(`invalid slice index: ${start} > ${end}`);
  if (end > limit) fault(`invalid slice index: ${end} > ${limit}`);
  if (item.kind === "string") return { ...item, value: byteSlice(item.value, start, end) };
  return { ...item, items: item.items.slice(start, end) };
}
