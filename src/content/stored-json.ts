// SPDX-License-Identifier: Apache-2.0

import { LadeError, messageOf } from "../base/errors.ts";

/**
 * Parses JSON that the store wrote itself. The database does not hash its pages, so that a bit which
 * flipped on the disk may have come as far as here: that is damage, and no mistake in lade.
 *
 * @throws LadeError STORE_DAMAGED
 */
export function parseStoredJson<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new LadeError("STORE_DAMAGED", `a row of the store's database: ${messageOf(error)}`, {
      cause: error,
      hint: "Move lade.db away and run `lade system check --repair`: the images come back, without their names.",
    });
  }
}
