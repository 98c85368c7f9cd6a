// SPDX-License-Identifier: Apache-2.0

/** Prints one value by one verb, as Go's fmt does. */

import { bounds, checkLength, fault } from "./bounds.ts";
import {
  type FormatFlags,
  floatVerbs,
  formatFloating,
  formatInteger,
  formatRune,
  formatUnicode,
} from "./format-number.ts";
import { canBackquote, quoteText } from "./quote.ts";
import { firstRunes, runeCount } from "./text.ts";
import {
  anyType,
  elementOf,
  type MapValue,
  type SliceValue,
  type StructValue,
  sortedKeys,
  structFields,
  textValue,
  typeOf,
  type Value,
} from "./values.ts";

/** Text being made, and the flags of the verb at hand. */
export interface Printer {
  text: string;
  flags: FormatFlags;
}

export function noFlags(): FormatFlags {
  return {
    minus: false,
    plus: false,
    sharp: false,
    space: false,
    zero: false,
    plusV: false,
    sharpV: false,
    width: undefined,
    precision: undefined,
  };
}

export function newPrinter(): Printer {
  return { text: "", flags: noFlags() };
}

/** Adds text as it is. */
export function write(printer: Printer, text: string): void {
  checkLength(printer.text.length + text.length);
  printer.text += text;
}

/** Adds text, filled up to the width. */
export function writePadded(printer: Printer, text: string): void {
  const { width = 0, minus, zero } = printer.flags;
  const missing = width === 0 ? 0 : width - runeCount(text);
  if (missing <= 0) write(printer, text);
  else if (minus) write(printer, text + " ".repeat(missing));
  else write(printer, (zero ? "0" : " ").repeat(missing) + text);
}

/** Values as fmt.Sprint joins them: a space only between two that are no strings. */
export function printAll(values: readonly Value[]): string {
  const printer = newPrinter();
  values.forEach((value, index) => {
    const previous = values[index - 1];
    if (previous !== undefined && previous.kind !== "string" && value.kind !== "string") {
      write(printer, " ");
    }
    printArgument(printer, value, "v");
  });
  return printer.text;
}

/** Values as fmt.Sprintln joins them. */
export function printLine(values: readonly Value[]): string {
  const printer = newPrinter();
  values.forEach((value, index) => {
    if (index > 0) write(printer, " ");
    printArgument(printer, value, "v");
  });
  write(printer, "\n");
  return printer.text;
}

/** True for what a function gets as an untyped nil. */
export function isUntypedNil(value: Value): boolean {
  return value.kind === "missing" || (value.kind === "nil" && value.type === anyType);
}

/** Prints an argument of a print function. */
export function printArgument(printer: Printer, value: Value, verb: string): void {
  if (isUntypedNil(value)) {
    if (verb === "v" || verb === "T") writePadded(printer, "<nil>");
    else write(printer, `%!${verb}(<nil>)`);
  } else if (verb === "T") {
    writeString(printer, typeOf(value));
  } else {
    printValue(printer, value, verb);
  }
}

/** Prints a value, at `depth` within others. */
export function printValue(printer: Printer, value: Value, verb: string, depth = 0): void {
  if (depth > bounds.dataDepth) fault(`data nested more than ${bounds.dataDepth} levels deep`);
  switch (value.kind) {
    case "missing":
      printNil(printer, { kind: "nil", type: anyType }, verb);
      break;
    case "nil":
      printNil(printer, value, verb);
      break;
    case "bool":
      if (verb === "t" || verb === "v") writePadded(printer, String(value.value));
      else badVerb(printer, value, verb);
      break;
    case "int":
    case "uint":
      printInteger(printer, value, verb);
      break;
    case "float":
      printFloat(printer, value, verb);
      break;
    case "string":
      printString(printer, value, verb);
      break;
    case "slice":
      printSlice(printer, value, verb, depth);
      break;
    case "map":
      printMap(printer, value, verb, depth);
      break;
    case "struct":
      printStruct(printer, value, verb, depth);
      break;
  }
}

/** `%!d(string=x)` */
function badVerb(printer: Printer, value: Value, verb: string): void {
  write(printer, `%!${verb}(${typeOf(value)}=`);
  printValue(printer, value, "v");
  write(printer, ")");
}

type NilValue = Extract<Value, { kind: "nil" }>;
type IntegerValue = Extract<Value, { kind: "int" | "uint" }>;
type FloatValue = Extract<Value, { kind: "float" }>;
type StringValue = Extract<Value, { kind: "string" }>;

function printNil(printer: Printer, value: NilValue, verb: string): void {
  const { sharpV } = printer.flags;
  if (value.type === anyType) {
    write(printer, sharpV ? `${anyType}(nil)` : "<nil>");
  } else if (verb === "v") {
    if (sharpV) write(printer, `(${value.type})(nil)`);
    else writePadded(printer, "<nil>");
  } else if ("bodxX".includes(verb)) {
    printInteger(printer, { kind: "uint", type: "uintptr", value: 0n }, verb);
  } else {
    badVerb(printer, value, verb);
  }
}

const integerBases = new Map([
  ["b", 2],
  ["o", 8],
  ["O", 8],
  ["d", 10],
  ["v", 10],
  ["x", 16],
  ["X", 16],
]);

function printInteger(printer: Printer, value: IntegerValue, verb: string): void {
  const { flags } = printer;
  const base = integerBases.get(verb);
  if (verb === "v" && flags.sharpV && value.kind === "uint") {
    const hex = { base: 16, verb, flags: { ...flags, sharp: true } };
    writeWithoutZeros(printer, formatInteger(value.value, hex));
  } else if (base !== undefined) {
    writeWithoutZeros(printer, formatInteger(value.value, { base, verb, flags }));
  } else if (verb === "c") {
    writePadded(printer, formatRune(value.value));
  } else if (verb === "q") {
    const options = { quote: "'", ascii: flags.plus } as const;
    writePadded(printer, quoteText(formatRune(value.value), options));
  } else if (verb === "U") {
    writeWithoutZeros(printer, formatUnicode(value.value, flags));
  } else {
    badVerb(printer, value, verb);
  }
}

/** Pads with spaces only, for what has its own zeros. */
function writeWithoutZeros(printer: Printer, text: string): void {
  const { zero } = printer.flags;
  printer.flags.zero = false;
  writePadded(printer, text);
  printer.flags.zero = zero;
}

function printFloat(printer: Printer, value: FloatValue, verb: string): void {
  const format = Object.hasOwn(floatVerbs, verb) ? floatVerbs[verb] : undefined;
  if (format === undefined) badVerb(printer, value, verb);
  else writeWithoutZeros(printer, formatFloating(value.value, format, printer.flags));
}

function printString(printer: Printer, value: StringValue, verb: string): void {
  const { sharpV } = printer.flags;
  if (verb === "s" || (verb === "v" && !sharpV)) writeString(printer, value.value);
  else if (verb === "q" || verb === "v") writeQuoted(printer, value.value);
  else if (verb === "x" || verb === "X") writeBytes(printer, value.value, verb);
  else badVerb(printer, value, verb);
}

function truncated(printer: Printer, text: string): string {
  const { precision } = printer.flags;
  return precision === undefined ? text : firstRunes(text, precision);
}

function writeString(printer: Printer, text: string): void {
  writePadded(printer, truncated(printer, text));
}

function writeQuoted(printer: Printer, text: string): void {
  const { plus, sharp } = printer.flags;
  const kept = truncated(printer, text);
  if (sharp && canBackquote(kept)) writePadded(printer, `\`${kept}\``);
  else writePadded(printer, quoteText(kept, { quote: '"', ascii: plus }));
}

/** The bytes of a string in hex. */
function writeBytes(printer: Printer, text: string, verb: string): void {
  const { precision, sharp, space } = printer.flags;
  const prefix = sharp ? "0x" : "";
  const bytes = Buffer.from(text).subarray(0, precision);
  checkLength(bytes.length * 5);
  const parts = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  const hex = space ? parts.map((part) => prefix + part).join(" ") : prefix + parts.join("");
  writePadded(printer, bytes.length === 0 ? "" : verb === "X" ? hex.toUpperCase() : hex);
}

function printSlice(printer: Printer, value: SliceValue, verb: string, depth: number): void {
  const { sharpV } = printer.flags;
  if (sharpV) write(printer, value.type);
  if (sharpV && value.isNil) {
    write(printer, "(nil)");
    return;
  }
  write(printer, sharpV ? "{" : "[");
  value.items.forEach((item, index) => {
    if (index > 0) write(printer, sharpV ? ", " : " ");
    printValue(printer, elementOf(value, item), verb, depth + 1);
  });
  write(printer, sharpV ? "}" : "]");
}

function printMap(printer: Printer, value: MapValue, verb: string, depth: number): void {
  const { sharpV } = printer.flags;
  write(printer, sharpV ? value.type : "map");
  if (sharpV && value.isNil) {
    write(printer, "(nil)");
    return;
  }
  write(printer, sharpV ? "{" : "[");
  sortedKeys(value).forEach((key, index) => {
    if (index > 0) write(printer, sharpV ? ", " : " ");
    printValue(printer, textValue(key), verb, depth + 1);
    write(printer, ":");
    printValue(printer, elementOf(value, value.entries[key]), verb, depth + 1);
  });
  write(printer, sharpV ? "}" : "]");
}

function printStruct(printer: Printer, value: StructValue, verb: string, depth: number): void {
  const { plusV, sharpV } = printer.flags;
  const isPointer = value.type.startsWith("*");
  if (isPointer) write(printer, "&");
  if (sharpV) write(printer, isPointer ? value.type.slice(1) : value.type);
  write(printer, "{");
  structFields(value).forEach(([name, field], index) => {
    if (index > 0) write(printer, sharpV ? ", " : " ");
    if (plusV || sharpV) write(printer, `${name}:`);
    printValue(printer, field, verb, depth + 1);
  });
  write(printer, "}");
}
