// SPDX-License-Identifier: Apache-2.0

/** fmt.Sprintf: reads the format and finds each verb's argument. */

import {
  isUntypedNil,
  newPrinter,
  noFlags,
  type Printer,
  printArgument,
  printValue,
  write,
} from "./format.ts";
import { typeOf, type Value } from "./values.ts";

/** Above this fmt takes a width or precision for a mistake. */
const largestNumber = 1_000_000;

const digitPattern = /\d*/y;

interface Reader {
  readonly format: string;
  readonly args: readonly Value[];
  readonly printer: Printer;
  position: number;
  /** Index of the next argument. */
  next: number;
  /** An argument was chosen by `[n]`, so that unused ones are no mistake. */
  reordered: boolean;
  /** No `[n]` of this verb is wrong. */
  isIndexGood: boolean;
  /** The last thing read was an `[n]`. */
  afterIndex: boolean;
}

/** The text of a format and its arguments; mistakes show in it as fmt shows them. */
export function formatAll(format: string, args: readonly Value[]): string {
  const reader: Reader = {
    format,
    args,
    printer: newPrinter(),
    position: 0,
    next: 0,
    reordered: false,
    isIndexGood: true,
    afterIndex: false,
  };
  for (;;) {
    const percent = format.indexOf("%", reader.position);
    write(reader.printer, format.slice(reader.position, percent === -1 ? undefined : percent));
    if (percent === -1) break;
    reader.position = percent + 1;
    if (!formatVerb(reader)) break;
  }
  if (!reader.reordered && reader.next < args.length) writeExtra(reader);
  return reader.printer.text;
}

/** False where the format ends within the verb. */
function formatVerb(reader: Reader): boolean {
  const { printer, format, args } = reader;
  reader.isIndexGood = true;
  reader.afterIndex = false;
  readFlags(reader);
  readIndex(reader);
  readWidth(reader);
  readPrecision(reader);
  if (!reader.afterIndex) readIndex(reader);
  const code = format.codePointAt(reader.position);
  if (code === undefined) {
    write(printer, "%!(NOVERB)");
    return false;
  }
  const verb = String.fromCodePoint(code);
  reader.position += verb.length;
  if (verb === "%") {
    write(printer, "%");
    return true;
  }
  const argument = args[reader.next];
  if (!reader.isIndexGood) write(printer, `%!${verb}(BADINDEX)`);
  else if (argument === undefined) write(printer, `%!${verb}(MISSING)`);
  else {
    const { flags } = printer;
    if (verb === "v") {
      Object.assign(flags, { sharpV: flags.sharp, sharp: false, plusV: flags.plus, plus: false });
    }
    printArgument(printer, argument, verb);
    reader.next++;
  }
  return true;
}

function readFlags(reader: Reader): void {
  const flags = noFlags();
  reader.printer.flags = flags;
  for (; ; reader.position++) {
    switch (reader.format[reader.position]) {
      case "#":
        flags.sharp = true;
        break;
      case "0":
        flags.zero = true;
        break;
      case "+":
        flags.plus = true;
        break;
      case "-":
        flags.minus = true;
        break;
      case " ":
        flags.space = true;
        break;
      default:
        return;
    }
  }
}

/** `[n]`: the argument that the next number or verb takes. */
function readIndex(reader: Reader): void {
  const { format, position, args } = reader;
  reader.afterIndex = false;
  if (format[position] !== "[") return;
  reader.reordered = true;
  const close = format.indexOf("]", position);
  if (close === -1) {
    reader.isIndexGood = false;
    reader.position = position + 1;
    return;
  }
  reader.position = close + 1;
  const text = format.slice(position + 1, close);
  const index = /^\d+$/.test(text) ? Number(text) - 1 : undefined;
  reader.afterIndex = index !== undefined;
  if (index !== undefined && index >= 0 && index < args.length) reader.next = index;
  else reader.isIndexGood = false;
}

function readWidth(reader: Reader): void {
  const { format, printer } = reader;
  const { flags } = printer;
  if (format[reader.position] !== "*") {
    flags.width = readNumber(reader);
    if (reader.afterIndex && flags.width !== undefined) reader.isIndexGood = false;
    return;
  }
  reader.position++;
  const width = takeNumber(reader);
  if (width === undefined) write(printer, "%!(BADWIDTH)");
  else if (width < 0) flags.minus = true;
  flags.width = width === undefined ? undefined : Math.abs(width);
  reader.afterIndex = false;
}

function readPrecision(reader: Reader): void {
  const { format, printer } = reader;
  if (format[reader.position] !== "." || reader.position + 1 >= format.length) return;
  reader.position++;
  if (reader.afterIndex) reader.isIndexGood = false;
  readIndex(reader);
  if (format[reader.position] !== "*") {
    printer.flags.precision = readNumber(reader) ?? 0;
    return;
  }
  reader.position++;
  const precision = takeNumber(reader);
  if (precision === undefined || precision < 0) write(printer, "%!(BADPREC)");
  else printer.flags.precision = precision;
  reader.afterIndex = false;
}

/** Digits of the format. A number that is too large swallows the rest of it, as in fmt. */
function readNumber(reader: Reader): number | undefined {
  digitPattern.lastIndex = reader.position;
  const digits = digitPattern.exec(reader.format)?.[0] ?? "";
  const value = Number(digits);
  if (Math.floor(value / 10) > largestNumber) {
    reader.position = reader.format.length;
    return undefined;
  }
  reader.position += digits.length;
  return digits === "" ? undefined : value;
}

/** `*`: the next argument as a number. */
function takeNumber(reader: Reader): number | undefined {
  const argument = reader.args[reader.next];
  if (argument === undefined) return undefined;
  reader.next++;
  if (argument.kind !== "int" && argument.kind !== "uint") return undefined;
  const value = Number(argument.value);
  return Math.abs(value) > largestNumber ? undefined : value;
}

function writeExtra({ printer, args, next }: Reader): void {
  printer.flags = noFlags();
  write(printer, "%!(EXTRA ");
  args.slice(next).forEach((argument, index) => {
    if (index > 0) write(printer, ", ");
    if (isUntypedNil(argument)) write(printer, "<nil>");
    else {
      write(printer, `${typeOf(argument)}=`);
      printValue(printer, argument, "v");
    }
  });
  write(printer, ")");
}
