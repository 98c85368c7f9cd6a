// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import type { Store } from "../content/store.ts";

/**
 * Reads rows of images, and documents that they name, as they were at one moment.
 *
 * Row by row, an image that somebody removes meanwhile would look like one without layers. Files do
 * not wait for readers: one that is missing may be no damage, and all is looked up anew.
 *
 * @param read throws where what it looks for is gone
 * @throws LadeError BLOB_NOT_FOUND for a file that is missing twice, and what `read` throws
 */
export function readImages<T>(store: Store, read: () => T): T {
  try {
    return store.database.snapshot(read);
  } catch (error) {
    if (!isLadeError(error, "BLOB_NOT_FOUND")) throw error;
    return store.database.snapshot(read);
  }
}
