// SPDX-License-Identifier: Apache-2.0

import type { HistoryEntry, ImageConfig } from "../spec/image-config.ts";

/**
 * Whether an image is the one before the last step of another. An archive may name any image as the
 * parent; since each has one step less than its child, parents can't lead in a circle.
 *
 * Source: `checkValidParent` of moby (image/tarexport).
 */
export function isOneStepAbove(child: ImageConfig, parent: ImageConfig): boolean {
  return (
    child.history.length === parent.history.length + 1 &&
    parent.history.every((entry, index) => isSameStep(entry, child.history[index] ?? {}))
  );
}

const stepMembers = ["created", "created_by", "author", "comment", "empty_layer"] as const;

export function isSameStep(a: HistoryEntry, b: HistoryEntry): boolean {
  return stepMembers.every((member) => (a[member] || "") === (b[member] || ""));
}
