// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";

/** So many may be at the same folder at once, and more. */
const mostTries = 1000;

/**
 * Removes a file, or a folder with all that is in it; does nothing where nothing is there.
 *
 * Where somebody else removes one of the entries at the same moment, Node's own call takes all for
 * gone and leaves the rest: a container's monitor takes away its sockets while lade does the same.
 *
 * @param retries of an entry that is busy, or of a folder that somebody fills meanwhile
 * @throws SystemError
 */
export function removeAll(
  path: string,
  retries: { readonly maxRetries?: number; readonly retryDelay?: number } = {},
): void {
  for (let tries = 0; tries < mostTries; tries++) {
    fs.rmSync(path, { recursive: true, force: true, ...retries });
    if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  }
}
