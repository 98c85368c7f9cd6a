// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isLadeError, LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import type { LeasedBlob } from "../content/commit.ts";
import { type ContainerRow, layersOfContainer, type PlacedLayer } from "../content/containers.ts";
import { findImage as imageRow } from "../content/images.ts";
import type { Lease } from "../content/lease.ts";
import type { IndexSummary } from "../content/stage.ts";
import { type StageJob, stageAll } from "../content/stage-pool.ts";
import type { Store } from "../content/store.ts";
import { type Digest, digestHex } from "../spec/digest.ts";
import type { ImageConfig } from "../spec/image-config.ts";
import type { Engine } from "./engine.ts";
import { holdLayers } from "./hold-layers.ts";
import { readConfig } from "./read-config.ts";

/** What a commit builds on. */
export interface CommitBase {
  readonly config: ImageConfig;
  /** The image's ID where the store has it: then it is the parent. */
  readonly parent: Digest | undefined;
}

/** A layer in a lease, with what is known of it. */
export type BaseLayer = LeasedBlob & { readonly layer: IndexSummary };

/**
 * The config of a container's image, from the store or from the archive that it runs from.
 *
 * An image that was removed by force has left its layers only: then nothing is known of its history.
 */
export async function commitBase(engine: Engine, row: ContainerRow): Promise<CommitBase> {
  const { layers: placed } = row.definition;
  if (placed !== undefined)
    return { config: await archiveConfig(engine, row, placed), parent: undefined };
  const { store } = engine;
  if (imageRow(store.database, row.image) !== undefined) {
    return { config: readConfig(store, row.image), parent: row.image };
  }
  const [os = "", architecture = "", variant] = row.definition.platform.split("/");
  const diffIds = layersOfContainer(store.database, row.id);
  const rootfs = { type: "layers", diff_ids: diffIds };
  const config = { os, architecture, rootfs, history: [], ...(variant && { variant }) };
  return { config, parent: undefined };
}

async function archiveConfig(
  engine: Engine,
  row: ContainerRow,
  placed: readonly PlacedLayer[],
): Promise<ImageConfig> {
  const [first] = placed;
  if (first === undefined) throw new LadeError("UNSUPPORTED", "commit: the image has no layers");
  const { openArchiveImage } = await import("./archive-image.ts");
  // In a layout's folder each blob is a file of its own.
  const path = first.tar.path.replace(/\/blobs\/sha256\/[0-9a-f]{64}$/, "");
  const { config } = await openArchiveImage(engine, `${path}#${digestHex(row.image)}`);
  return config;
}

/**
 * Has a lease hold all layers of a container's image; those that lie in an archive are stored.
 *
 * @throws LadeError DIGEST_MISMATCH for an archive that has changed, BLOB_NOT_FOUND
 */
export async function takeBaseLayers(
  store: Store,
  lease: Lease,
  from: {
    readonly row: ContainerRow;
    readonly diffIds: readonly Digest[];
    readonly signal: AbortSignal | undefined;
  },
): Promise<readonly BaseLayer[]> {
  const { row, diffIds, signal } = from;
  const { layers: placed } = row.definition;
  if (placed === undefined) return await holdLayers(store, lease, diffIds);
  const taken = new Map<Digest, BaseLayer>();
  for (const diffId of diffIds) {
    const held = await holdIfThere(store, lease, diffId);
    if (held !== undefined) taken.set(diffId, held);
  }
  const missing = placed.filter(({ diffId }) => !taken.has(diffId));
  for (const layer of await stagePlaced(lease, missing, signal)) taken.set(layer.digest, layer);
  return diffIds.map((diffId) => {
    const layer = taken.get(diffId);
    if (layer === undefined) throw new Error(`layer ${diffId} was not taken`);
    return layer;
  });
}

async function holdIfThere(
  store: Store,
  lease: Lease,
  diffId: Digest,
): Promise<BaseLayer | undefined> {
  try {
    return (await holdLayers(store, lease, [diffId]))[0];
  } catch (error) {
    if (isLadeError(error, "BLOB_NOT_FOUND")) return undefined;
    throw error;
  }
}

async function stagePlaced(
  lease: Lease,
  placed: readonly PlacedLayer[],
  signal: AbortSignal | undefined,
): Promise<BaseLayer[]> {
  const distinct = [...new Map(placed.map((layer) => [layer.diffId, layer])).values()];
  const jobs: StageJob[] = [];
  try {
    for (const { diffId, tar } of distinct) {
      jobs.push({
        fd: openTar(tar.path),
        offset: tar.offset,
        size: tar.size,
        folder: lease.folder,
        stagingPath: lease.stagingPath(),
        place: `layer ${diffId}`,
        keepCompressed: false,
      });
    }
    const staged = await stageAll(jobs, signal);
    return distinct.map(({ diffId, tar: { path } }, index) => {
      const { tar, index: layer } = staged[index] ?? {};
      if (tar?.digest === diffId && layer !== undefined) {
        return { digest: diffId, isFresh: true, layer };
      }
      throw new LadeError("DIGEST_MISMATCH", `${path}: layer ${diffId} is another one now`, {
        hint: "The archive has changed since the container was made: put the old one back.",
      });
    });
  } finally {
    for (const { fd } of jobs) fs.closeSync(fd);
  }
}

function openTar(path: string): number {
  try {
    return fs.openSync(path, "r");
  } catch (error) {
    throw ioError(error, `read ${path}`);
  }
}
