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

function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return "";
  }
}
