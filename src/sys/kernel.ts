// SPDX-License-Identifier: Apache-2.0

import { release } from "node:os";

export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
}

/** The version of the running kernel; 0.0 where it can't be told. */
export function kernelVersion(text: string = release()): KernelVersion {
  const found = /^(\d+)\.(\d+)/.exec(text);
  return { major: Number(found?.[1] ?? 0), minor: Number(found?.[2] ?? 0) };
}

export function isKernelAtLeast(major: number, minor: number): boolean {
  const version = kernelVersion();
  return version.major > major || (version.major === major && version.minor >= minor);
}
