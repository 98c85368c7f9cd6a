// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { commitBlobs, stageDocument } from "../content/commit.ts";
import type { ContainerRow } from "../content/containers.ts";
import { openHashThread } from "../content/hash-thread.ts";
import { putImage } from "../content/images.ts";
import { type Lease, openLease } from "../content/lease.ts";
import { stageLayer } from "../content/stage.ts";
import { imageTar, type LayerTar, layerTar } from "../rootfs/layer-writer.ts";
import { overlayTrees } from "../rootfs/merged-tree.ts";
import { applyChanges } from "../spec/change.ts";
import type { ContainerConfig } from "../spec/container.ts";
import { type DerivedConfig, formatDerivedConfig } from "../spec/derived-config.ts";
import { digestOf } from "../spec/digest.ts";
import { normalizeGoTime } from "../spec/go-time.ts";
import type { HistoryEntry, ImageConfigSection } from "../spec/image-config.ts";
import { formatPlatform } from "../spec/platform.ts";
import type { Reference } from "../spec/reference.ts";
import { type BaseLayer, type CommitBase, commitBase, takeBaseLayers } from "./commit-base.ts";
import { noteContainer } from "./container-events.ts";
import {
  type ContainerChanges,
  checkIsThere,
  estimateTarSize,
  imageTree,
  openChanges,
  openLayerFiles,
  whileThere,
} from "./container-tree.ts";
import type { CommitOptions } from "./container-types.ts";
import { currentContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { mergeConfig } from "./merge-config.ts";
import { nameImage, newReference, shownReference } from "./new-reference.ts";
import { whilePaused } from "./while-paused.ts";

/**
 * Makes an image of a container: its image's layers and one more with what the container changed,
 * and what it was started with as the configuration.
 *
 * A container that changed nothing gives no layer, as in Docker. With `squash` there is one layer
 * with everything.
 *
 * Source: `CreateImageFromContainer` of moby (daemon/commit.go).
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CHANGE_INVALID, REFERENCE_INVALID, UNSUPPORTED for a file
 *   that no layer can hold, IO_FAILED for one that became shorter while it was read, DISK_FULL
 */
export async function commitContainer(
  engine: Engine,
  options: CommitOptions,
): Promise<{ id: string }> {
  const reference = newReference(options.reference, "commit to");
  const row = await currentContainer(engine, options.container);
  return await whileThere(engine, row, () => commitRow(engine, row, { reference, options }));
}

async function commitRow(
  engine: Engine,
  row: ContainerRow,
  {
    reference,
    options,
  }: { readonly reference: Reference | undefined; readonly options: CommitOptions },
): Promise<{ id: string }> {
  const { store } = engine;
  const { config: running } = row.definition;
  const config = committedConfig(running, options);
  const base = await commitBase(engine, row);
  checkDepth(base, options);
  using lease = openLease(store);
  const work = () => stageChanges(engine, row, { lease, options });
  const layer = options.pause === false ? await work() : await whilePaused(engine, row, work);
  const isSquashed = options.squash === true;
  const diffIds = isSquashed ? [] : base.config.rootfs.diff_ids;
  const { signal } = options;
  const lower = await takeBaseLayers(store, lease, { row, diffIds, signal });
  const layers = layer === undefined ? lower : [...lower, layer];
  const step = newStep(running, { options, isEmpty: layer === undefined });
  const derived: DerivedConfig = {
    base: base.config,
    config,
    created: step.created,
    author: options.author,
    container: { id: row.id, config: withoutEmpty(running) },
    diffIds: layers.map(({ digest }) => digest),
    history: [...historyOf(base, isSquashed), step],
  };
  const bytes = formatDerivedConfig(derived);
  const id = digestOf(bytes);
  const document = await stageDocument(lease, bytes);
  commitBlobs(store, { lease, blobs: [...distinct(layers), document] }, () => {
    checkIsThere(engine, row);
    putImage(store.database, {
      id,
      created: step.created,
      size: layers.reduce((sum, { layer: { contentSize } }) => sum + contentSize, 0),
      platform: formatPlatform(base.config),
      parent: isSquashed ? undefined : base.parent,
      labels: config.Labels ?? {},
      diffIds: derived.diffIds,
      manifests: [],
    });
    nameImage(store, reference, id);
    noteContainer(store.database, row, "commit", {
      comment: options.message ?? "",
      imageID: id,
      imageRef: shownReference(reference) ?? "",
    });
  });
  return { id };
}

/** An image that no store would take must not be made. */
function checkDepth(base: CommitBase, options: CommitOptions): void {
  const depth = base.config.rootfs.diff_ids.length;
  if (options.squash === true || depth < limits.imageLayers) return;
  throw new LadeError(
    "LIMIT_EXCEEDED",
    `max depth exceeded: the image has ${depth} layers, expected less than ${limits.imageLayers}`,
    { hint: "Commit with --squash, which makes one layer of them." },
  );
}

/** The container's configuration with the changes; what a change leaves empty is the container's. */
function committedConfig(running: ContainerConfig, options: CommitOptions): ImageConfigSection {
  const { config = running, changes = [] } = options;
  return withoutEmpty(mergeConfig(applyChanges(config, changes), running));
}

/** Lists of nothing are nothing to Go, which writes them as null. */
function withoutEmpty(config: ContainerConfig): ImageConfigSection {
  const { Env, Cmd, Volumes, ...rest } = config;
  return {
    ...rest,
    ...(Env !== undefined && Env.length > 0 && { Env }),
    ...(Cmd !== undefined && Cmd.length > 0 && { Cmd }),
    ...(Object.keys(Volumes ?? {}).length > 0 && { Volumes }),
  };
}

interface Step extends HistoryEntry {
  readonly created: string;
}

function newStep(
  running: ContainerConfig,
  made: { readonly options: CommitOptions; readonly isEmpty: boolean },
): Step {
  const { author, message } = made.options;
  return {
    created: normalizeGoTime(new Date().toISOString()),
    created_by: (running.Cmd ?? []).join(" "),
    ...(author && { author }),
    ...(message && { comment: message }),
    ...(made.isEmpty && { empty_layer: true }),
  };
}

/** The steps before; none of them has a layer of its own any more in an image of one. */
function historyOf(base: CommitBase, isSquashed: boolean): readonly HistoryEntry[] {
  const { history } = base.config;
  return isSquashed ? history.map((entry) => ({ ...entry, empty_layer: true })) : history;
}

/** A layer may be in an image twice. */
function distinct(layers: readonly BaseLayer[]): BaseLayer[] {
  return [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
}

/** @returns undefined where nothing changed */
async function stageChanges(
  engine: Engine,
  row: ContainerRow,
  { lease, options }: { readonly lease: Lease; readonly options: CommitOptions },
): Promise<BaseLayer | undefined> {
  using changes = await openChanges(engine, row);
  if (options.squash !== true) {
    if (changes.upper.children.size === 0) return undefined;
    using source = layerTar(changes.upper, changes.upperFd);
    return await stage(source, { lease, options, size: estimateTarSize(changes.upper) });
  }
  using layers = openLayerFiles(changes.plan);
  const tree = wholeTree(changes);
  using source = imageTar(tree, { layers: layers.files, upperFd: changes.upperFd });
  return await stage(source, { lease, options, size: estimateTarSize(tree) });
}

function wholeTree({ plan, upper }: ContainerChanges) {
  return overlayTrees([imageTree(plan), upper]);
}

async function stage(
  source: LayerTar,
  how: { readonly lease: Lease; readonly options: CommitOptions; readonly size: number },
): Promise<BaseLayer | undefined> {
  const { lease, options, size } = how;
  const { onProgress, signal } = options;
  await using hashThread = openHashThread();
  const staged = await stageLayer(source, {
    folder: lease.folder,
    stagingPath: lease.stagingPath(),
    place: `changes of container ${options.container}`,
    keepCompressed: false,
    hasher: hashThread.begin(size),
    signal,
    onProgress: (current) =>
      onProgress?.({ type: "total", current: Math.min(current, size), total: size }),
  });
  if (staged.problem !== undefined) throw staged.problem;
  const { index, tar } = staged;
  if (index === undefined) throw new Error("a staged layer without index or problem");
  return index.entries === 0 ? undefined : { digest: tar.digest, isFresh: true, layer: index };
}
