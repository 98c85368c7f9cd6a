// SPDX-License-Identifier: Apache-2.0

import { removeAll } from "../sys/remove-all.ts";

/**
 * Removes what failed work leaves. Where not even that succeeds, the work's own error is the one to
 * tell.
 */
export function removeIfPossible(path: string): void {
  try {
    removeAll(path);
  } catch (error) {
    // Anything else is a mistake of ours.
    if (!(error instanceof Error && "syscall" in error)) throw error;
  }
}
