// SPDX-License-Identifier: Apache-2.0

/** Go's numeric literals (strconv.ParseInt with base 0, strconv.ParseFloat). */

const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);
const uint64Max = 2n ** 64n - 1n;

/** A numeric literal: its own kind, and every number that it can stand for. */
export interface NumberLiteral {
  readonly text: string;
  /** What it is where nothing asks for a type; `overflow` is above int64 and within uint64. */
  readonly kind: "int" | "float" | "overflow";
  readonly int: bigint | undefined;
  readonly float: number;
}

/** Reads a literal; a string is the message of what is wrong with it. */
export function readNumber(text: string): NumberLiteral | string {
  const int = readInteger(text);
  if (int !== undefined && int >= int64Min && int <= int64Max) {
    return { text, kind: "int", int, float: Number(int) };
  }
  if (int !== undefined && int <= uint64Max && /^[0-9]/.test(text)) {
    return { text, kind: "overflow", int: undefined, float: Number(int) };
  }
  const float = readFloat(text);
  if (float === undefined) return `illegal number syntax: "${text}"`;
  if (!/[.eEpP]/.test(text)) return `integer overflow: "${text}"`;
  const whole = Number.isInteger(float) ? BigInt(float) : undefined;
  const fits = whole !== undefined && whole >= int64Min && whole <= int64Max;
  return { text, kind: "float", int: fits ? whole : undefined, float };
}

/** A character literal stands for its code. */
export function characterLiteral(text: string, code: number): NumberLiteral {
  return { text, kind: "int", int: BigInt(code), float: code };
}

function readInteger(text: string): bigint | undefined {
  const match = /^([+-]?)(0[xX]|0[oO]|0[bB]|0(?=[0-9_])|)([0-9a-fA-F_]+)$/.exec(text);
  if (match === null || !hasGoodUnderscores(text)) return undefined;
  const prefix = (match[2] ?? "").toLowerCase();
  const digits = (match[3] ?? "").replaceAll("_", "");
  const allowed =
    prefix === "0x"
      ? /^[0-9a-fA-F]+$/
      : prefix === "0b"
        ? /^[01]+$/
        : prefix === ""
          ? /^[0-9]+$/
          : /^[0-7]+$/;
  if (!allowed.test(digits)) return undefined;
  const value = BigInt((prefix === "0" ? "0o" : prefix) + digits);
  return match[1] === "-" ? -value : value;
}

/** Underscores stand between digits, or between a base's prefix and a digit. */
function hasGoodUnderscores(text: string): boolean {
  if (!text.includes("_")) return true;
  const number = text.replace(/^[+-]/, "");
  const prefix = /^0[xXoObB]/.test(number);
  const digit = /^0[xX]/.test(number) ? "[0-9a-fA-F]" : "[0-9]";
  const body = prefix ? number.slice(2) : number;
  const before = prefix ? `^|${digit}` : digit;
  return !new RegExp(`(?<!${before})_|_(?!${digit})`).test(body);
}

function readFloat(text: string): number | undefined {
  if (!hasGoodUnderscores(text)) return undefined;
  const plain = text.replaceAll("_", "");
  const decimal = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(plain);
  const value = decimal ? Number(plain) : readHexFloat(plain);
  return value === undefined || !Number.isFinite(value) ? undefined : value;
}

function readHexFloat(text: string): number | undefined {
  const match = /^([+-]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?[pP]([+-]?[0-9]+)$/.exec(text);
  const [, sign, whole = "", fraction = "", power] = match ?? [];
  if (whole + fraction === "") return undefined;
  const value = scale(BigInt(`0x${whole}${fraction}`), Number(power) - 4 * fraction.length);
  return sign === "-" ? -value : value;
}

/** mantissa × 2^exponent; both factors of a large negative exponent stay normal numbers. */
function scale(mantissa: bigint, exponent: number): number {
  const bits = mantissa.toString(2).length;
  if (mantissa === 0n || exponent + bits < -1100) return 0;
  if (exponent + bits > 1100) return Number.POSITIVE_INFINITY;
  if (exponent >= 0) return Number(mantissa << BigInt(exponent));
  const half = Math.trunc(exponent / 2);
  return Number(mantissa) * 2 ** half * 2 ** (exponent - half);
}
