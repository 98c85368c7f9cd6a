// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isLadeError, isSystemError } from "../base/errors.ts";
import { blobSize } from "../content/blobs.ts";
import { isSoundErofs } from "../content/erofs-files.ts";
import { buildIndex, unsealIndex } from "../content/layer-indexes.ts";
import { blobPath, erofsPath, indexPath } from "../content/paths.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
import { readLayerIndex } from "../tar/layer-index.ts";
import type { CheckFinding } from "./types.ts";

/** Looks at the index and the metadata image of every layer and makes those again that are missing or wrong. */
export async function checkIndexes(
  store: Store,
  options: { readonly repair: boolean },
): Promise<CheckFinding[]> {
  const findings: CheckFinding[] = [];
  const layers = store.database.all<{ digest: Digest }>(
    "SELECT DISTINCT diff_id AS digest FROM image_layer JOIN blob ON blob.digest = diff_id",
  );
  for (const { digest } of layers) {
    if (indexProblem(store, digest) === undefined) continue;
    // A second look: another command may just have been putting it in place or removing it.
    const problem = store.database.transaction(() =>
      blobSize(store, digest) === undefined ? undefined : indexProblem(store, digest),
    );
    if (problem === undefined) continue;
    const repaired = options.repair && (await rebuild(store, digest));
    findings.push({ ...problem, subject: digest, repaired });
  }
  return findings;
}

function indexProblem(store: Store, digest: Digest): { kind: string; message: string } | undefined {
  const row = store.database.get<{ entries: number }>(
    "SELECT entries FROM layer WHERE diff_id = ?",
    digest,
  );
  if (row === undefined) return { kind: "layer-unrecorded", message: "the layer has no row" };
  let file: Buffer;
  try {
    file = fs.readFileSync(indexPath(store.paths, digest));
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw error;
    return { kind: "index-missing", message: "the layer's index is not there" };
  }
  if (!isSoundIndex(file, row.entries)) {
    return { kind: "index-damaged", message: "the layer's index is not what was written" };
  }
  return erofsProblem(erofsPath(store.paths, digest));
}

function erofsProblem(path: string): { kind: string; message: string } | undefined {
  if (!fs.existsSync(path)) {
    return { kind: "erofs-missing", message: "the layer's metadata image is not there" };
  }
  return isSoundErofs(path)
    ? undefined
    : { kind: "erofs-damaged", message: "the layer's metadata image is not what was written" };
}

function isSoundIndex(file: Buffer, entries: number): boolean {
  const bytes = unsealIndex(file);
  if (bytes === undefined) return false;
  try {
    let count = 0;
    for (const _ of readLayerIndex(bytes)) count++;
    return count === entries;
  } catch (error) {
    if (isLadeError(error, "STORE_DAMAGED")) return false;
    throw error;
  }
}

const machineCodes = ["DISK_FULL", "IO_FAILED", "STORE_DENIED"] as const;

async function rebuild(store: Store, digest: Digest): Promise<boolean> {
  if (!fs.existsSync(blobPath(store.paths, digest))) return false;
  try {
    buildIndex(store, digest);
    return true;
  } catch (error) {
    // A damaged tar has a finding of its own; a disk that does not take the index has none.
    const isOfMachine = machineCodes.some((code) => isLadeError(error, code));
    if (isLadeError(error) && !isOfMachine) return false;
    throw error;
  }
}
