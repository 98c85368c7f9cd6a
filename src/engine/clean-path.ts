// SPDX-License-Identifier: Apache-2.0

import { posix } from "node:path";

/** Go's `path.Clean`: without `.`, `..`, doubled slashes and a slash at the end. */
export function cleanPath(path: string): string {
  return path === "" ? "." : posix.normalize(path).replace(/(.)\/+$/, "$1");
}
