// SPDX-License-Identifier: Apache-2.0

/** What Go writes for a time that was never set. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;
const NANOSECOND_DIGITS = 9;

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

interface Parts {
  readonly clock: string;
  readonly fraction: string;
  readonly zone: string;
}

function parse(text: string): Parts | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(Number);
  const [fraction = "", sign, zoneHour = "00", zoneMinute = "00"] = match.slice(7);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  if (Number(zoneHour) > 24 || Number(zoneMinute) > 60) return undefined;
  const isUtc = sign === undefined || (Number(zoneHour) === 0 && Number(zoneMinute) === 0);
  return {
    clock: text.slice(0, 19),
    fraction: fraction.slice(0, NANOSECOND_DIGITS).replace(/0+$/, ""),
    zone: isUtc ? "Z" : `${sign}${zoneHour}:${zoneMinute}`,
  };
}

/** Whether Go's `time.Time` takes the text from JSON. */
export function isGoTime(text: string): boolean {
  return parse(text) !== undefined;
}

/**
 * The text that Go's `time.Time` gives after reading the given one: RFC 3339 with nanoseconds,
 * without zeros at the end of the fraction, the offset kept.
 */
export function normalizeGoTime(text: string): string {
  const parts = parse(text);
  if (parts === undefined) throw new Error(`not a time: ${text}`);
  return parts.clock + (parts.fraction === "" ? "" : `.${parts.fraction}`) + parts.zone;
}
