// SPDX-License-Identifier: Apache-2.0

import { parseGoDuration } from "../spec/go-duration.ts";
import { goQuote } from "../spec/go-quote.ts";
import { InvalidValue } from "./invalid-value.ts";

export interface IntegerType {
  readonly bits: 16 | 32 | 64;
  readonly isUnsigned?: boolean;
  /** Decimal digits only, without Go's `0x`, `0o`, `0b` and `_`. */
  readonly isDecimal?: boolean;
}

const prefixed =
  /^([+-]?)(0[xX](?:_?[\da-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|\d(?:_?\d)*)$/;
const decimal = /^([+-]?)(\d+)$/;

/** Go's `strconv.ParseInt` and `ParseUint`. */
export function parseInteger(text: string, type: IntegerType): number {
  const { bits, isUnsigned = false, isDecimal = false } = type;
  const call = isUnsigned ? "ParseUint" : "ParseInt";
  const fail = (reason: string) =>
    new InvalidValue(`strconv.${call}: parsing ${goQuote(text)}: ${reason}`);
  const [, sign, digits] = (isDecimal ? decimal : prefixed).exec(text) ?? [];
  if (digits === undefined || (isUnsigned && sign !== "")) throw fail("invalid syntax");
  const plain = digits.replaceAll("_", "");
  const isLeadingZero = !isDecimal && /^0\d/.test(plain);
  if (isLeadingZero && /[89]/.test(plain)) throw fail("invalid syntax");
  const magnitude = BigInt(isLeadingZero ? `0o${plain.slice(1)}` : plain);
  const value = sign === "-" ? -magnitude : magnitude;
  const limit = 2n ** BigInt(isUnsigned ? bits : bits - 1);
  if (value >= limit || value < (isUnsigned ? 0n : -limit)) throw fail("value out of range");
  return Number(value);
}

const float = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const binaryUnits = "kmgtp";

/**
 * A size in bytes: `512m`, `1.5GiB`, `64 kb`; units are powers of 1024 (`RAMInBytes` of go-units).
 *
 * @returns bytes
 */
export function parseRamBytes(text: string): number {
  const end = lastNumberCharacter(text);
  if (end === -1) throw new InvalidValue(`invalid size: '${text}'`);
  const number = text[end] === " " ? text.slice(0, end) : text.slice(0, end + 1);
  if (!float.test(number)) {
    throw new InvalidValue(`strconv.ParseFloat: parsing ${goQuote(number)}: invalid syntax`);
  }
  const size = Number(number);
  if (size < 0) throw new InvalidValue(`invalid size: '${text}'`);
  const suffix = text.slice(end + 1);
  const bytes = Math.trunc(size * unitSize(suffix));
  // Beyond it a number can't be told from its neighbours, and no machine has so much.
  if (bytes > Number.MAX_SAFE_INTEGER) throw new InvalidValue(`invalid size: '${text}'`);
  return bytes;
}

function lastNumberCharacter(text: string): number {
  return Math.max(...[..."0123456789. "].map((character) => text.lastIndexOf(character)));
}

function unitSize(suffix: string): number {
  if (suffix === "") return 1;
  const unit = suffix.length > 3 ? suffix : suffix.toLowerCase();
  if (unit === "b") return 1;
  const power = binaryUnits.indexOf(unit.charAt(0)) + 1;
  if (power === 0 || !/^.(?:b|ib)?$/.test(unit)) {
    throw new InvalidValue(`invalid suffix: '${unit}'`);
  }
  return 1024 ** power;
}

/** `--memory-swap`: a size, or -1 for no limit. */
export function parseSwapBytes(text: string): number {
  return text === "-1" ? -1 : parseRamBytes(text);
}

/** A number of CPUs such as `1.5` or `3/2`, in billionths of one. */
export function parseNanoCpus(text: string): number {
  const fraction = /^([+-]?\d+)\/(\d+)$/.exec(text);
  const [, sign, whole = "", digits = "", exponent = "0"] =
    /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const power = 9 + Number(exponent) - digits.length;
  const isNumber = whole + digits !== "" && Math.abs(power) < 1000;
  let parts: readonly [bigint, bigint] | undefined;
  if (fraction !== null) parts = [BigInt(fraction[1] ?? 0) * 10n ** 9n, BigInt(fraction[2] ?? 0)];
  else if (isNumber) {
    const value = BigInt(`${whole}${digits}`) * (sign === "-" ? -1n : 1n);
    parts = power < 0 ? [value, 10n ** BigInt(-power)] : [value * 10n ** BigInt(power), 1n];
  }
  if (parts === undefined || parts[1] === 0n) {
    throw new InvalidValue(`failed to parse ${text} as a rational number`);
  }
  if (parts[0] % parts[1] !== 0n) throw new InvalidValue("value is too precise");
  const nano = Number(parts[0] / parts[1]);
  if (!Number.isSafeInteger(nano)) throw new InvalidValue(`${text} is more than any machine has`);
  return nano;
}

/** Go's `time.ParseDuration`, in nanoseconds. */
export function parseDuration(text: string): number {
  const duration = parseGoDuration(text);
  if ("fault" in duration) throw new InvalidValue(duration.fault);
  return duration.durationNs;
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "TRUE", "true", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "FALSE", "false", "False"].map((word) => [word, false] as const),
]);

/** Go's `strconv.ParseBool`. */
export function parseBoolean(text: string): boolean {
  const value = booleans.get(text);
  if (value !== undefined) return value;
  throw new InvalidValue(`strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax`);
}
