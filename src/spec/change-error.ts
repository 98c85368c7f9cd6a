// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";

/** A fault in the text of a change; the messages are those of BuildKit's Dockerfile parser. */
export function changeError(message: string, hint?: string): LadeError {
  return new LadeError("CHANGE_INVALID", message, { hint });
}
