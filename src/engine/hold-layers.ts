// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import type { LeasedBlob } from "../content/commit.ts";
import { buildIndex } from "../content/layer-indexes.ts";
import type { Lease } from "../content/lease.ts";
import type { IndexSummary } from "../content/stage.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";

/** A layer that the store has and a lease holds, with what is known of it. */
export interface HeldLayer extends LeasedBlob {
  readonly layer: IndexSummary;
}

/**
 * Keeps layers of the store for an image that is being made of them, whatever is removed meanwhile.
 *
 * @throws LadeError BLOB_NOT_FOUND for a store that lost one
 */
export async function holdLayers(
  store: Store,
  lease: Lease,
  diffIds: readonly Digest[],
): Promise<HeldLayer[]> {
  const held: HeldLayer[] = [];
  for (const diffId of diffIds) {
    if (!lease.hold(diffId)) throw missing(diffId);
    if (!lease.holdIndex(diffId)) {
      await buildIndex(store, diffId);
      lease.holdIndex(diffId);
    }
    held.push({ digest: diffId, isFresh: false, layer: await summaryOf(store, diffId) });
  }
  return held;
}

async function summaryOf(store: Store, diffId: Digest): Promise<IndexSummary> {
  const row = store.database.get<IndexSummary>(
    "SELECT content_size AS contentSize, entries FROM layer WHERE diff_id = ?",
    diffId,
  );
  if (row !== undefined) return row;
  const { contentSize, entries } = await buildIndex(store, diffId);
  return { contentSize, entries };
}

function missing(diffId: Digest): LadeError {
  return new LadeError("BLOB_NOT_FOUND", `blob ${diffId}: the store has no such layer`, {
    hint: "Load the image again: `lade load` puts back what is missing.",
  });
}
