// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import type { Database } from "../content/database.ts";
import { putEvent } from "../content/events.ts";

/**
 * Notes what was done without a change to the store, in a transaction of its own that costs no sync.
 * A store that can't be written is no reason to fail then: images are saved elsewhere because the
 * disk is full.
 */
export function noteQuietly(database: Database, note: () => void): void {
  try {
    database.transaction(note, { isDurable: false });
  } catch (error) {
    if (isLadeError(error, "DISK_FULL") || isLadeError(error, "STORE_DENIED")) return;
    throw error;
  }
}

/** Notes that what nobody needs was removed; Docker tells of it even where nothing was. */
export function notePrune(
  database: Database,
  type: "container" | "image" | "volume" | "network",
  spaceReclaimed: number,
): void {
  noteQuietly(database, () =>
    putEvent(database, {
      Type: type,
      Action: "prune",
      Actor: { ID: "", Attributes: { reclaimed: String(spaceReclaimed) } },
    }),
  );
}
