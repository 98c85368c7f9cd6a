// SPDX-License-Identifier: Apache-2.0

/** Whether an image is named by a path, which no image's name can look like. */
export function isArchivePath(name: string): boolean {
  return /^\.{0,2}\//.test(name);
}
