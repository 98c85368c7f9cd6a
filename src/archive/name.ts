// SPDX-License-Identifier: Apache-2.0

import { isLadeError, LadeError } from "../base/errors.ts";
import { parseReference, type Reference } from "../spec/reference.ts";

/**
 * Parses a name that a document of an archive gives an image.
 *
 * @param place the document, which errors name
 * @throws LadeError REFERENCE_INVALID
 */
export function parseNameIn(text: string, place: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    if (!isLadeError(error, "REFERENCE_INVALID")) throw error;
    throw new LadeError(
      "REFERENCE_INVALID",
      `${place}: ${JSON.stringify(text.slice(0, 120))}: ${error.message}`,
      { cause: error, hint: error.hint },
    );
  }
}
