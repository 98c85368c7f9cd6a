// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";

let known: string | undefined;

/**
 * Names the run of the kernel since it started.
 *
 * What was hashed and right in this boot can't have been lost by a power cut since.
 *
 * @returns empty where the system does not tell, which counts as another boot each time
 */
export function bootId(): string {
  known ??= readBootId();
  return known;
}

/**
 * Names how long a layer that was hashed and right is believed to be so: this boot, and this day.
 * A disk that rots tells nobody, and machines run for years.
 *
 * @returns begins with the boot's name; empty where there is none, which is never the same period
 */
export function trustPeriod(): string {
  const boot = bootId();
  return boot === "" ? "" : `${boot} ${new Date().toISOString().slice(0, 10)}`;
}

function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return "";
  }
}
