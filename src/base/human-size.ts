// SPDX-License-Identifier: Apache-2.0

const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"] as const;
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] as const;

/**
 * A size in powers of 1000, as Docker writes it: `75.27MB`.
 *
 * @param size bytes
 * @param precision significant digits; Docker has 3 for an image and 4 elsewhere
 */
export function humanSize(size: number, precision = 4): string {
  return scale(size, { base: 1000, units: decimalUnits, precision });
}

/** A size in powers of 1024: `23.47GiB`. */
export function binarySize(size: number): string {
  return scale(size, { base: 1024, units: binaryUnits, precision: 4 });
}

interface Scale {
  readonly base: number;
  readonly units: readonly string[];
  readonly precision: number;
}

function scale(size: number, { base, units, precision }: Scale): string {
  let value = size;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${significant(value, precision)}${units[unit]}`;
}

/** Go's `%.<precision>g`, which writes 999.9 with 3 digits as `1e+03`. */
function significant(value: number, precision: number): string {
  const text = value.toPrecision(precision);
  // As a number again it has no zeros at its end.
  if (!text.includes("e")) return String(Number(text));
  const [mantissa = "", exponent = ""] = text.split("e");
  return `${Number(mantissa)}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}
