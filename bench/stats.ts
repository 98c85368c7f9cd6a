// SPDX-License-Identifier: Apache-2.0

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** The middle of a list, and its ends; the mean of the two middle values where there are two. */
export function summarize(values: readonly number[]): Summary | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  const [min] = sorted;
  const max = sorted.at(-1);
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  const upper = sorted[Math.floor(sorted.length / 2)];
  if (min === undefined || max === undefined || lower === undefined || upper === undefined) {
    return undefined;
  }
  return { median: (lower + upper) / 2, min, max, count: sorted.length };
}

/** `532 ms`, `5.31 s`, `61.2 s`: three digits that mean something. */
export function formatSeconds(seconds: number): string {
  const ms = seconds * 1000;
  if (ms < 9.995) return `${ms.toFixed(2)} ms`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  return `${seconds.toFixed(1)} s`;
}

/** Bytes in powers of 1000, as disks are sold and Docker counts: `843 MB`, `10.0 GB`. */
export function formatSize(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"] as const;
  let value = size;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** `11.4 ×`; `0.97 ×` where it is close to one. */
export function formatRatio(ratio: number): string {
  return `${ratio.toFixed(ratio < 2 ? 2 : 1)} ×`;
}
