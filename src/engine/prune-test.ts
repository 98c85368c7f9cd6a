// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { collectFilters, matchesLabels } from "./filters.ts";
import { parseTimestamp } from "./timestamp.ts";
import type { Filter } from "./types.ts";

export interface PruneCandidate {
  readonly createdMs: number;
  readonly labels: Readonly<Record<string, string>>;
}

const nsPerMs = 1_000_000n;

/**
 * What the filters of a `prune` let through: `label`, `label!` and `until`.
 *
 * @throws LadeError FILTER_INVALID
 */
export function pruneTest(filters: readonly Filter[]): (candidate: PruneCandidate) => boolean {
  const values = collectFilters(filters, ["label", "label!", "until"]);
  const wanted = values.get("label") ?? [];
  const unwanted = values.get("label!") ?? [];
  const [until, ...more] = values.get("until") ?? [];
  if (more.length > 0) {
    throw new LadeError("FILTER_INVALID", "more than one until filter specified");
  }
  const limitNs = until === undefined ? undefined : parseTimestamp(until, Date.now());
  return ({ createdMs, labels }) =>
    matchesLabels(labels, wanted) &&
    !unwanted.some((label) => matchesLabels(labels, [label])) &&
    (limitNs === undefined || BigInt(createdMs) * nsPerMs <= limitNs);
}
