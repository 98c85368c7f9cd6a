// SPDX-License-Identifier: Apache-2.0

/** Floating-point numbers as Go's strconv.FormatFloat writes them. */

export type FloatFormat = "b" | "e" | "E" | "f" | "g" | "G" | "x" | "X";

/** Decimal digits d₁d₂d₃… of the number 0.d₁d₂d₃… × 10^point, without zeros at the end. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

/** The number; a precision of -1 gives the fewest digits that read back as the same number. */
export function formatFloat(value: number, format: FloatFormat, precision: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const size = Math.abs(value);
  if (format === "b") return sign + binary(size);
  if (format === "x" || format === "X") {
    const hex = hexadecimal(size, precision);
    return sign + (format === "X" ? hex.toUpperCase() : hex);
  }
  return sign + decimal(size, format, precision);
}

function decimal(size: number, format: "e" | "E" | "f" | "g" | "G", precision: number): string {
  const shortest = precision < 0;
  if (format === "f") {
    if (shortest) return plain(shortestDecimal(size));
    const exact = exactDecimal(size);
    return plain(round(exact, exact.point + precision), precision);
  }
  if (format === "e" || format === "E") {
    if (shortest) return scientific(shortestDecimal(size), format);
    return scientific(round(exactDecimal(size), precision + 1), format, precision);
  }
  const wanted = precision === 0 ? 1 : precision;
  const number = shortest ? shortestDecimal(size) : round(exactDecimal(size), wanted);
  const { digits, point } = number;
  const limit = shortest
    ? 6
    : wanted > digits.length && digits.length >= point
      ? digits.length
      : wanted;
  if (point - 1 < -4 || point - 1 >= limit) {
    return scientific(number, format === "g" ? "e" : "E");
  }
  return plain(number);
}

function plain({ digits, point }: Decimal, precision = Math.max(digits.length - point, 0)): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  if (precision === 0) return whole;
  const zeros = "0".repeat(Math.min(Math.max(-point, 0), precision));
  const fraction = zeros + (point < digits.length ? digits.slice(Math.max(point, 0)) : "");
  return `${whole}.${fraction.slice(0, precision).padEnd(precision, "0")}`;
}

function scientific(
  { digits, point }: Decimal,
  letter: string,
  precision = Math.max(digits.length - 1, 0),
): string {
  const fraction = digits.slice(1, precision + 1).padEnd(precision, "0");
  const mantissa = (digits[0] ?? "0") + (precision > 0 ? `.${fraction}` : "");
  return mantissa + exponent(letter, digits === "" ? 0 : point - 1);
}

function exponent(letter: string, value: number): string {
  return letter + (value < 0 ? "-" : "+") + String(Math.abs(value)).padStart(2, "0");
}

function shortestDecimal(size: number): Decimal {
  if (size === 0) return { digits: "", point: 0 };
  const [mantissa = "", power = "0"] = size.toExponential().split("e");
  return { digits: mantissa.replace(".", ""), point: Number(power) + 1 };
}

/** size = mantissa × 2^power, exactly. */
function split(size: number): { mantissa: bigint; power: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, size);
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const fraction = bits & (2n ** 52n - 1n);
  if (biased === 0) return { mantissa: fraction, power: -1074 };
  return { mantissa: fraction + 2n ** 52n, power: biased - 1075 };
}

function exactDecimal(size: number): Decimal {
  if (size === 0) return { digits: "", point: 0 };
  const { mantissa, power } = split(size);
  const isWhole = power >= 0;
  const digits = (
    isWhole ? mantissa * 2n ** BigInt(power) : mantissa * 5n ** BigInt(-power)
  ).toString();
  const point = digits.length + (isWhole ? 0 : power);
  return { digits: digits.replace(/0+$/, ""), point };
}

/** Rounds to so many digits, halves to the even digit. */
function round({ digits, point }: Decimal, count: number): Decimal {
  if (count < 0 || count >= digits.length) return { digits, point };
  const kept = digits.slice(0, count);
  const next = digits[count] ?? "0";
  const isHalf = next === "5" && count + 1 === digits.length;
  const up = isHalf ? /[13579]$/.test(kept) : next >= "5";
  if (!up) return { digits: kept.replace(/0+$/, ""), point };
  const raised = kept.replace(/9+$/, "");
  if (raised === "") return { digits: "1", point: point + 1 };
  const last = String(Number(raised.slice(-1)) + 1);
  return { digits: raised.slice(0, -1) + last, point };
}

function binary(size: number): string {
  const { mantissa, power } = split(size);
  return `${mantissa}p${power < 0 ? "" : "+"}${power}`;
}

/** `0x1.8p+01`: one bit before the point, four for each digit behind it. */
function hexadecimal(size: number, precision: number): string {
  const { mantissa, power } = split(size);
  const bits = mantissa === 0n ? 0 : mantissa.toString(2).length;
  let fraction = mantissa * 2n ** BigInt(61 - bits);
  let binaryPower = mantissa === 0n ? 0 : power + bits - 1;
  if (precision >= 0 && precision < 15) {
    const unit = 2n ** BigInt(60 - 4 * precision);
    const rest = fraction % unit;
    fraction -= rest;
    const isOdd = (fraction / unit) % 2n === 1n;
    if (rest * 2n > unit || (rest * 2n === unit && isOdd)) fraction += unit;
    if (fraction >= 2n ** 61n) {
      fraction /= 2n;
      binaryPower++;
    }
  }
  const digits = (fraction % 2n ** 60n).toString(16).padStart(15, "0");
  const shown =
    precision < 0 ? digits.replace(/0+$/, "") : digits.slice(0, precision).padEnd(precision, "0");
  const point = shown === "" ? "" : ".";
  return `0x${fraction / 2n ** 60n}${point}${shown}${exponent("p", binaryPower)}`;
}
