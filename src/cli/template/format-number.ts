// SPDX-License-Identifier: Apache-2.0

/** Numbers with the flags of fmt's verbs, but for the width that spaces fill. */

import { type FloatFormat, formatFloat } from "./float.ts";
import { isPrintable } from "./text.ts";

/** The flags of a verb, such as `%-08.2f`. */
export interface FormatFlags {
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  /** `%+v` */
  plusV: boolean;
  /** `%#v` */
  sharpV: boolean;
  width: number | undefined;
  precision: number | undefined;
}

export interface IntegerFormat {
  readonly base: number;
  readonly verb: string;
  readonly flags: Readonly<FormatFlags>;
}

/** A whole number with sign, prefix and zeros; empty for 0 with a precision of 0. */
export function formatInteger(value: bigint, { base, verb, flags }: IntegerFormat): string {
  const { precision, width } = flags;
  if (precision === 0 && value === 0n) return "";
  const isNegative = value < 0n;
  const sign = isNegative ? "-" : flags.plus ? "+" : flags.space ? " " : "";
  const zeros = flags.zero && !flags.minus && width !== undefined ? width - sign.length : 0;
  const digits = (isNegative ? -value : value).toString(base).padStart(precision ?? zeros, "0");
  const text = sign + integerPrefix(digits, base, { verb, sharp: flags.sharp }) + digits;
  return verb === "X" ? text.toUpperCase() : text;
}

function integerPrefix(
  digits: string,
  base: number,
  { verb, sharp }: { verb: string; sharp: boolean },
): string {
  const marked = sharp && base === 8 && !digits.startsWith("0") ? "0" : "";
  if (verb === "O") return `0o${marked}`;
  if (!sharp) return "";
  return base === 2 ? "0b" : base === 16 ? "0x" : marked;
}

/** The character of a code; U+FFFD where there is none. */
export function formatRune(code: bigint): string {
  const isRune = code >= 0n && code <= 0x10ffffn;
  return isRune ? String.fromCodePoint(Number(code)).toWellFormed() : "\ufffd";
}

/** `U+0078`, with `#` also the character. */
export function formatUnicode(code: bigint, { precision = 0, sharp }: FormatFlags): string {
  const unsigned = BigInt.asUintN(64, code);
  const hex = unsigned.toString(16).toUpperCase().padStart(Math.max(precision, 4), "0");
  const character = formatRune(unsigned);
  const isShown = sharp && unsigned === BigInt(character.codePointAt(0) ?? 0);
  return `U+${hex}${isShown && isPrintable(character) ? ` '${character}'` : ""}`;
}

export interface FloatVerb {
  readonly format: FloatFormat;
  /** What counts where the verb has none. */
  readonly precision: number;
}

/** The verbs that floating-point numbers take. */
export const floatVerbs: Readonly<Record<string, FloatVerb>> = {
  v: { format: "g", precision: -1 },
  b: { format: "b", precision: -1 },
  g: { format: "g", precision: -1 },
  G: { format: "G", precision: -1 },
  x: { format: "x", precision: -1 },
  X: { format: "X", precision: -1 },
  f: { format: "f", precision: 6 },
  F: { format: "f", precision: 6 },
  e: { format: "e", precision: 6 },
  E: { format: "E", precision: 6 },
};

/** A floating-point number with sign and zeros. */
export function formatFloating(value: number, verb: FloatVerb, flags: FormatFlags): string {
  const precision = flags.precision ?? verb.precision;
  const plain = formatFloat(value, verb.format, precision);
  const isNegative = plain.startsWith("-");
  const size = plain.replace(/^[+-]/, "");
  const sign = isNegative ? "-" : flags.plus ? "+" : flags.space ? " " : "";
  if (Number.isNaN(value)) return sign + size;
  if (!Number.isFinite(value)) return (sign || "+") + size;
  const digits =
    flags.sharp && verb.format !== "b" ? withPoint(size, verb.format, precision) : size;
  const width = flags.zero && !flags.minus ? (flags.width ?? 0) : 0;
  return sign + digits.padStart(width - sign.length, "0");
}

/** `#`: always a decimal point, and for %g the zeros at the end. */
function withPoint(number: string, format: FloatFormat, precision: number): string {
  const isHex = format === "x" || format === "X";
  const exponentAt = number.search(isHex ? /[pP]/ : /[eE]/);
  const mantissa = exponentAt === -1 ? number : number.slice(0, exponentAt);
  const exponent = exponentAt === -1 ? "" : number.slice(exponentAt);
  const pointed = mantissa.includes(".") ? mantissa : `${mantissa}.`;
  if (format !== "g" && format !== "G" && format !== "x") return pointed + exponent;
  const significant = mantissa.replace(".", "").replace(/^0+/, "").length;
  const counted = mantissa === "0" ? 1 : significant;
  const wanted = precision === -1 ? 6 : precision;
  return pointed + "0".repeat(Math.max(wanted - counted, 0)) + exponent;
}
