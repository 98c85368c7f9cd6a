// SPDX-License-Identifier: Apache-2.0

const barWidth = 50;

/** Docker's bar: `[=====>     ]`. */
export function progressBar(current: number, total: number): string {
  const filled = Math.min(Math.trunc(Math.trunc((current / total) * 100) / 2), barWidth);
  return `[${"=".repeat(filled)}>${" ".repeat(barWidth - filled)}]`;
}
