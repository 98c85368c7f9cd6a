// SPDX-License-Identifier: Apache-2.0

import { isLadeError, LadeError } from "../base/errors.ts";
import { commitBlobs, stageDocument } from "../content/commit.ts";
import { diffIdsOf, findImage as imageRow, putImage } from "../content/images.ts";
import { openLease } from "../content/lease.ts";
import type { Store } from "../content/store.ts";
import { configAtStep } from "../spec/config-at-step.ts";
import { formatDerivedConfig } from "../spec/derived-config.ts";
import { type Digest, digestOf, shortId } from "../spec/digest.ts";
import { normalizeGoTime, ZERO_TIME } from "../spec/go-time.ts";
import type { HistoryEntry, ImageConfig } from "../spec/image-config.ts";
import type { Reference } from "../spec/reference.ts";
import type { RollbackOptions } from "./container-types.ts";
import type { Engine } from "./engine.ts";
import { findImage } from "./find-image.ts";
import { holdLayers } from "./hold-layers.ts";
import { nameImage, newReference, shownReference } from "./new-reference.ts";
import { isSameStep } from "./parent.ts";
import { readConfig } from "./read-config.ts";

export interface RollbackResult {
  readonly id: string;
  readonly reference?: string;
  /** Settings of which the history does not say for sure what they were. */
  readonly warnings: readonly string[];
}

/**
 * Makes an image of the first layers of another one, with the configuration that its history gives
 * for that point. Where the store still has the very image of that point, it is that image.
 *
 * @throws LadeError IMAGE_NOT_FOUND, ROLLBACK_INVALID for a point that the image does not have,
 *   HISTORY_UNCLEAR, REFERENCE_INVALID
 */
export async function rollbackImage(
  engine: Engine,
  options: RollbackOptions,
): Promise<RollbackResult> {
  const { store } = engine;
  const reference = newReference(options.reference, "roll back to a");
  const id = findImage(store, options.image);
  const config = readConfig(store, id);
  const count = layerCount(config, options);
  const steps = stepCount(config, count, options.image);
  const named = shownReference(reference);
  const shown = named === undefined ? {} : { reference: named };
  const point = { id, config, count, steps };
  const known = knownImage(store, point);
  if (known !== undefined) {
    store.database.transaction(() => nameImage(store, reference, known));
    return { id: known, ...shown, warnings: [] };
  }
  const made = await makeImage(store, point, reference);
  return { ...made, ...shown };
}

/** @throws LadeError ROLLBACK_INVALID */
function layerCount(config: ImageConfig, { image, to }: RollbackOptions): number {
  const diffIds = config.rootfs.diff_ids;
  const total = diffIds.length;
  if (to === undefined || to === "") {
    if (total > 1) return total - 1;
    throw invalid(`${image} has ${countText(total)}: there is nothing to go back to`);
  }
  if (/^\d{1,3}$/.test(to)) {
    const count = Number(to);
    if (count >= 1 && count <= total) return count;
    throw invalid(`${image} has ${countText(total)}, which ${to} is none of`, total);
  }
  const hex = to.replace(/^sha256:/, "").toLowerCase();
  const found = diffIds.flatMap((diffId, index) =>
    /^[0-9a-f]+$/.test(hex) && diffId.startsWith(`sha256:${hex}`) ? [index] : [],
  );
  const [index] = found;
  if (index === undefined) throw invalid(`${image} has no layer ${to}`, total);
  const isAmbiguous = found.some((other) => diffIds[other] !== diffIds[index]);
  if (isAmbiguous) throw invalid(`${image} has several layers that begin with ${to}`, total);
  return index + 1;
}

function countText(count: number): string {
  return count === 1 ? "1 layer" : `${count} layers`;
}

function invalid(message: string, total?: number): LadeError {
  const hint =
    total === undefined
      ? "`lade history IMAGE` shows what it is made of."
      : `Give a number from 1 to ${total}, or the digest of a layer: \`lade image inspect\` shows them.`;
  return new LadeError("ROLLBACK_INVALID", message, { hint });
}

/**
 * How many steps of the history stay: those up to the last layer, and those behind it that made
 * none, since the next layer was made on top of them, too.
 *
 * @throws LadeError HISTORY_UNCLEAR
 */
function stepCount(config: ImageConfig, count: number, image: string): number {
  const { history } = config;
  const total = config.rootfs.diff_ids.length;
  if (count === total) return history.length;
  const made = history.flatMap((entry, index) => (entry.empty_layer === true ? [] : [index]));
  if (made.length !== total) {
    const what = history.length === 0 ? "has no history" : `names ${made.length} in its history`;
    throw new LadeError(
      "HISTORY_UNCLEAR",
      `${image} has ${countText(total)} and ${what}: what its configuration was can't be told`,
      { hint: "Load the image of that point itself, or make one with `lade commit --change`." },
    );
  }
  return made[count] ?? history.length;
}

interface Point {
  /** The image to go back from. */
  readonly id: Digest;
  readonly config: ImageConfig;
  /** Layers and steps that stay. */
  readonly count: number;
  readonly steps: number;
}

/** An image of the store with just these layers and these steps: the one that was built upon. */
function knownImage(store: Store, point: Point): Digest | undefined {
  const { config, count, steps } = point;
  const diffIds = config.rootfs.diff_ids.slice(0, count);
  if (count === config.rootfs.diff_ids.length) return point.id;
  const history = config.history.slice(0, steps);
  const candidates = store.database.all<{ image: Digest }>(
    "SELECT image FROM image_layer WHERE position = ? AND diff_id = ? ORDER BY image",
    count - 1,
    diffIds.at(-1) ?? "",
  );
  return candidates
    .map(({ image }) => image)
    .find((image) => {
      if (diffIdsOf(store.database, image).join() !== diffIds.join()) return false;
      const other = readIfSound(store, image);
      return other !== undefined && isSameHistory(other.history, history);
    });
}

function readIfSound(store: Store, id: Digest): ImageConfig | undefined {
  try {
    return readConfig(store, id);
  } catch (error) {
    if (isLadeError(error)) return undefined;
    throw error;
  }
}

function isSameHistory(a: readonly HistoryEntry[], b: readonly HistoryEntry[]): boolean {
  return a.length === b.length && a.every((entry, index) => isSameStep(entry, b[index] ?? {}));
}

async function makeImage(
  store: Store,
  point: Point,
  reference: Reference | undefined,
): Promise<RollbackResult> {
  const { config: base, count, steps } = point;
  const told = configAtStep({ config: base.config ?? {}, history: base.history, steps });
  const diffIds = base.rootfs.diff_ids.slice(0, count);
  const history = base.history.slice(0, steps);
  const last = history.at(-1) ?? {};
  const created = normalizeGoTime(last.created ?? ZERO_TIME);
  const bytes = formatDerivedConfig({
    base,
    config: { ...told.config, Image: "" },
    created,
    author: history.findLast((entry) => entry.author)?.author,
    diffIds,
    history,
  });
  const id = digestOf(bytes);
  using lease = openLease(store);
  const layers = await holdLayers(store, lease, diffIds);
  const document = await stageDocument(lease, bytes);
  commitBlobs(store, { lease, blobs: [...layers, document] }, () => {
    putImage(store.database, {
      id,
      created,
      size: layers.reduce((sum, { layer }) => sum + layer.contentSize, 0),
      platform: imageRow(store.database, point.id)?.platform ?? "",
      parent: undefined,
      labels: told.config.Labels ?? {},
      diffIds,
      manifests: [],
    });
    nameImage(store, reference, id);
  });
  const where = `layer ${count} (${shortId(diffIds.at(-1) as Digest)})`;
  return { id, warnings: told.warnings.map((warning) => `${where}: ${warning}`) };
}
