// SPDX-License-Identifier: Apache-2.0

import type { ArchivedImage, ArchivedLayer, ArchivedV1Image } from "../archive/image.ts";
import { bytesSource } from "../base/bytes.ts";
import { LadeError } from "../base/errors.ts";
import type { ProgressListener } from "../base/progress.ts";
import { blobSize, isSound } from "../content/blobs.ts";
import type { LeasedBlob } from "../content/commit.ts";
import type { Lease } from "../content/lease.ts";
import { type IndexSummary, type StagedLayer, stageLayer } from "../content/stage.ts";
import { type StageJob, stageAll } from "../content/stage-pool.ts";
import type { Store } from "../content/store.ts";
import { type Digest, shortId } from "../spec/digest.ts";

/** A layer that is in the lease, or in the store and held by the lease. */
export interface TakenLayer {
  readonly diffId: Digest;
  /** As Docker counts it. */
  readonly contentSize: number;
  /** The compressed blob as it came, where a manifest names it. */
  readonly compressed: Digest | undefined;
}

export interface LayerSet {
  /** Everything to put in place. */
  readonly blobs: readonly LeasedBlob[];
  of(layer: ArchivedLayer): TakenLayer;
}

export interface TakeOptions {
  readonly images: readonly (ArchivedImage | ArchivedV1Image)[];
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes every layer of some images: what the store has and is sound is held, the rest is staged and
 * checked against the digests that configs and manifests state.
 *
 * @throws LadeError DIGEST_MISMATCH, ARCHIVE_LAYER_MISSING, TAR_*, and what staging throws
 */
export async function takeLayers(
  store: Store,
  lease: Lease,
  options: TakeOptions,
): Promise<LayerSet> {
  const taken = new Map<ArchivedLayer, TakenLayer>();
  const blobs = new Map<Digest, LeasedBlob>();
  const wanted = distinctLayers(options.images);
  for (const group of wanted.values()) {
    const held = await holdLayer(store, lease, { group, signal: options.signal });
    if (held === undefined) continue;
    for (const blob of held.blobs) blobs.set(blob.digest, blob);
    for (const layer of group.layers) taken.set(layer, held.taken);
    wanted.delete(group.key);
  }
  const groups = [...wanted.values()];
  const staged = await stageGroups(groups, lease, options);
  groups.forEach((group, index) => {
    const layer = checkStaged(group, staged[index] as StagedLayer);
    for (const blob of layer.blobs) blobs.set(blob.digest, blob);
    for (const one of group.layers) taken.set(one, layer.taken);
  });
  return {
    blobs: [...blobs.values()],
    of(layer: ArchivedLayer): TakenLayer {
      const found = taken.get(layer);
      if (found === undefined) throw new Error(`${layer.place}: was not taken`);
      return found;
    },
  };
}

/** Layers of several images that are the same bytes. */
interface LayerGroup {
  readonly key: string;
  readonly layers: ArchivedLayer[];
  /** A manifest names the bytes as they are in the archive. */
  keepsBlob: boolean;
}

function distinctLayers(images: TakeOptions["images"]): Map<string, LayerGroup> {
  const groups = new Map<string, LayerGroup>();
  for (const image of images) {
    const hasManifest = image.kind === "image" && image.manifests.length > 0;
    for (const layer of image.layers) {
      // Equal diffIDs may come in different wrappings, each with a digest of its own.
      const key = `${layer.diffId ?? layer.place} ${layer.blob?.digest ?? ""}`;
      const group = groups.get(key) ?? { key, layers: [], keepsBlob: false };
      group.layers.push(layer);
      group.keepsBlob ||= hasManifest;
      groups.set(key, group);
    }
  }
  return groups;
}

interface Checked {
  readonly taken: TakenLayer;
  readonly blobs: readonly LeasedBlob[];
}

/** What the store already has of a layer; undefined when any part is missing or damaged. */
async function holdLayer(
  store: Store,
  lease: Lease,
  wanted: { readonly group: LayerGroup; readonly signal: AbortSignal | undefined },
): Promise<Checked | undefined> {
  const { group, signal } = wanted;
  const { diffId, blob } = group.layers[0] as ArchivedLayer;
  if (diffId === undefined) return undefined;
  const layer = store.database.get<IndexSummary>(
    "SELECT content_size AS contentSize, entries FROM layer WHERE diff_id = ?",
    diffId,
  );
  const compressed =
    group.keepsBlob && blob !== undefined && blob.digest !== diffId ? blob.digest : undefined;
  const parts = compressed === undefined ? [diffId] : [diffId, compressed];
  // The sizes are asked first, since hashing a damaged half would be in vain.
  if (layer === undefined || parts.some((part) => blobSize(store, part) === undefined)) {
    return undefined;
  }
  for (const part of parts) {
    if (!lease.hold(part) || !(await isSound(store, part, signal))) return undefined;
  }
  // Without its index a layer is taken as if it were new, which makes the index again.
  if (!lease.holdIndex(diffId)) return undefined;
  return {
    taken: { diffId, contentSize: layer.contentSize, compressed },
    blobs: parts.map((digest) => ({
      digest,
      isFresh: false,
      layer: digest === diffId ? layer : undefined,
    })),
  };
}

async function stageGroups(
  groups: readonly LayerGroup[],
  lease: Lease,
  options: TakeOptions,
): Promise<StagedLayer[]> {
  const results: StagedLayer[] = [];
  const jobs: { readonly job: StageJob; readonly index: number }[] = [];
  for (const [index, group] of groups.entries()) {
    const layer = group.layers[0] as ArchivedLayer;
    const { member } = layer;
    if (member === undefined) throw missingLayer(layer);
    const common = {
      folder: lease.folder,
      place: layer.place,
      keepCompressed: group.keepsBlob,
      onProgress: progressOf(layer, member.size, options.onProgress),
    };
    const { content } = member;
    if (content.type === "staged") {
      results[index] = content.staged;
    } else if (content.type === "bytes") {
      results[index] = await stageLayer(bytesSource(content.bytes), {
        ...common,
        stagingPath: lease.stagingPath(),
        signal: options.signal,
      });
    } else {
      const { fd, offset } = content;
      const stagingPath = lease.stagingPath();
      jobs.push({ index, job: { ...common, stagingPath, fd, offset, size: member.size } });
    }
  }
  const staged = await stageAll(
    jobs.map(({ job }) => job),
    options.signal,
  );
  jobs.forEach(({ index }, position) => {
    results[index] = staged[position] as StagedLayer;
  });
  return results;
}

function progressOf(
  layer: ArchivedLayer,
  total: number,
  onProgress: ProgressListener | undefined,
): ((current: number) => void) | undefined {
  if (onProgress === undefined) return undefined;
  const id = layer.diffId === undefined ? layer.place : shortId(layer.diffId);
  return (current) => onProgress({ type: "layer", action: "load", id, current, total });
}

function missingLayer(layer: ArchivedLayer): LadeError {
  return new LadeError(
    "ARCHIVE_LAYER_MISSING",
    `${layer.place}: not in the archive${layer.diffId === undefined ? "" : `, and the store has no sound layer ${layer.diffId}`}`,
    { hint: "Save the whole image, or load the image that it is built on first." },
  );
}

/** @throws LadeError DIGEST_MISMATCH, or what made the layer unreadable as a tar */
function checkStaged(group: LayerGroup, staged: StagedLayer): Checked {
  for (const layer of group.layers) checkDigests(layer, staged);
  if (staged.problem !== undefined) throw staged.problem;
  const { index, tar, blob } = staged;
  if (index === undefined) throw new Error("a staged layer without index and without problem");
  const isWrapped = staged.compression !== "none" && group.keepsBlob;
  const blobs: LeasedBlob[] = [{ digest: tar.digest, isFresh: true, layer: index }];
  if (isWrapped) blobs.push({ digest: blob.digest, isFresh: true });
  return {
    taken: {
      diffId: tar.digest,
      contentSize: index.contentSize,
      compressed: isWrapped ? blob.digest : undefined,
    },
    blobs,
  };
}

/**
 * Checks what was read of a layer against what manifest and config say.
 *
 * @throws LadeError DIGEST_MISMATCH
 */
export function checkDigests(
  layer: ArchivedLayer,
  staged: Pick<StagedLayer, "blob" | "tar">,
): void {
  const hint = "The archive is damaged: copy it again, or save the image again.";
  const { blob, diffId } = layer;
  if (blob !== undefined && blob.size !== staged.blob.size) {
    throw new LadeError(
      "DIGEST_MISMATCH",
      `${layer.place}: size mismatch: want ${blob.size} bytes, got ${staged.blob.size}`,
      { hint },
    );
  }
  if (blob !== undefined && blob.digest !== staged.blob.digest) {
    throw new LadeError(
      "DIGEST_MISMATCH",
      `${layer.place}: digest mismatch: want ${blob.digest}, got ${staged.blob.digest}`,
      { hint },
    );
  }
  if (diffId !== undefined && diffId !== staged.tar.digest) {
    throw new LadeError(
      "DIGEST_MISMATCH",
      `${layer.place}: invalid diffID: want ${diffId}, got ${staged.tar.digest}`,
      { hint },
    );
  }
}
