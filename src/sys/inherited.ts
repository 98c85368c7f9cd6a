// SPDX-License-Identifier: Apache-2.0

import { callNumbers, rawCall } from "./calls.ts";

const firstOther = 3n;
const lastPossible = 0xffffffffn;
// CLOSE_RANGE_CLOEXEC of <linux/close_range.h>.
const markOnly = 4n;

let isDone = false;

/**
 * Keeps what this process inherited beside its three streams from its own children: a lock or a
 * pipe of the shell that started lade is not to be held by a container's monitor for days.
 *
 * Node's own descriptors are kept from children anyway. Kernels before 5.11 can't do this at once;
 * there nothing changes.
 */
export function keepInheritedDescriptors(): void {
  if (isDone) return;
  isDone = true;
  rawCall(callNumbers.closeRange, firstOther, lastPossible, markOnly);
}
