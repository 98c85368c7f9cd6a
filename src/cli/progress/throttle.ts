// SPDX-License-Identifier: Apache-2.0

/** Drawing more often than this costs time and shows nothing more. */
const intervalMs = 100;

/** True at most ten times a second. */
export function throttle(now: () => number): () => boolean {
  let lastMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = now();
    // A clock that was set back must not stop the drawing.
    if (nowMs >= lastMs && nowMs - lastMs < intervalMs) return false;
    lastMs = nowMs;
    return true;
  };
}
