// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import type { ProgressListener } from "../base/progress.ts";
import { blobSize, hashIfThere, markVerified } from "../content/blobs.ts";
import { sweepDeadLeases } from "../content/lease.ts";
import { blobPath } from "../content/paths.ts";
import type { Store } from "../content/store.ts";
import { isUnused, sweepBlobs } from "../content/sweep.ts";
import type { Digest } from "../spec/digest.ts";
import { adoptBlob } from "./adopt-blob.ts";
import { checkContainers } from "./check-containers.ts";
import { checkIndexes } from "./check-indexes.ts";
import type { Engine } from "./engine.ts";
import { sweepUnpackedIfAny } from "./remove.ts";
import { restoreFromCompressed } from "./restore-layer.ts";
import type { CheckFinding, CheckReport } from "./types.ts";

export interface CheckOptions {
  readonly repair?: boolean;
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Hashes every blob and holds database and files against each other.
 *
 * With `repair`, what can be made again is (indexes, a tar of which the compressed form is whole,
 * rows for images whose files are all there, and for volumes), and what belongs to nobody goes. Nothing that might
 * still be of use is removed.
 */
export async function checkStore(engine: Engine, options: CheckOptions): Promise<CheckReport> {
  const { store } = engine;
  const findings: CheckFinding[] = [];
  const repair = options.repair === true;
  if (repair) sweepDeadLeases(store);
  const rows = store.database.all<BlobRow>("SELECT digest, size FROM blob ORDER BY digest");
  const totalSize = rows.reduce((sum, row) => sum + row.size, 0);
  let done = 0;
  for (const row of rows) {
    options.signal?.throwIfAborted();
    const finding = await checkBlob(store, row, options.signal);
    if (finding !== undefined) {
      const repaired = repair && (await restoreFromCompressed(store, row.digest));
      findings.push({ ...finding, repaired });
    }
    done += row.size;
    options.onProgress?.({ type: "total", current: done, total: totalSize });
  }
  findings.push(...(await checkFiles(store, { repair })));
  findings.push(...checkReferences(store));
  findings.push(...(await checkIndexes(store, { repair })));
  findings.push(...(await checkContainers(engine, { repair })));
  // While anything is still damaged, blobs without a use may be parts of what it belonged to.
  if (repair && findings.every((finding) => finding.repaired)) {
    sweepBlobs(store);
    await sweepUnpackedIfAny(engine);
  }
  const images = store.database.get<{ count: number }>("SELECT COUNT(*) AS count FROM image");
  return { blobs: rows.length, size: done, images: images?.count ?? 0, findings };
}

interface BlobRow {
  readonly digest: Digest;
  readonly size: number;
}

type Finding = Omit<CheckFinding, "repaired">;

async function checkBlob(
  store: Store,
  row: BlobRow,
  signal: AbortSignal | undefined,
): Promise<Finding | undefined> {
  const { digest } = row;
  const path = blobPath(store.paths, digest);
  const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
  const found = lookAt(store, row) ?? (await hashIfThere(path, signal));
  if (found === digest) {
    if (stat !== undefined) markVerified(store, digest, stat.mtimeNs);
    return undefined;
  }
  // Files and rows only fit between transactions: another command may be removing it, or may have
  // brought it back.
  return store.database.transaction(() => {
    if (!isRecorded(store, digest)) return undefined;
    const lasting = lookAt(store, row);
    // A power cut in the middle of a removal leaves such a row; nothing is lost, and it is swept.
    if (lasting?.kind === "blob-missing" && isUnused(store, digest)) return undefined;
    if (lasting !== undefined || typeof found !== "string") return lasting;
    const message = `digest mismatch: want ${digest}, got ${found}`;
    return { kind: "blob-digest", subject: digest, message };
  });
}

/** What can be told of a blob without reading it. */
function lookAt(store: Store, { digest, size }: BlobRow): Finding | undefined {
  const path = blobPath(store.paths, digest);
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    return { kind: "blob-missing", subject: digest, message: `${path} is not there` };
  }
  if (stat.size === size) return undefined;
  const message = `size mismatch: want ${size} bytes, got ${stat.size}`;
  return { kind: "blob-size", subject: digest, message };
}

/** Files among the blobs that no row names. */
async function checkFiles(
  store: Store,
  options: { readonly repair: boolean },
): Promise<CheckFinding[]> {
  const findings: CheckFinding[] = [];
  for (const name of fs.readdirSync(store.paths.blobs)) {
    const path = join(store.paths.blobs, name);
    const digest: Digest = `sha256:${name}`;
    const isBlobName = /^[0-9a-f]{64}$/.test(name);
    if (isBlobName && isRecorded(store, digest)) continue;
    const found = isBlobName ? await hashIfThere(path) : undefined;
    const isWhole = found === digest;
    // Asked again: what is being put in place has its row by the next transaction.
    const isPassing = store.database.transaction(
      () => isRecorded(store, digest) || !fs.existsSync(path),
    );
    if (isPassing) continue;
    const kind = isWhole ? "blob-unrecorded" : "file-unknown";
    const message = isWhole
      ? "a whole blob that the database does not know"
      : `${path} is no blob: its name is not the digest of its bytes`;
    const repaired = options.repair && isWhole && (await adoptBlob(store, digest));
    findings.push({ kind, subject: isWhole ? digest : path, message, repaired });
  }
  return findings;
}

function isRecorded(store: Store, digest: Digest): boolean {
  return blobSize(store, digest) !== undefined;
}

const references: readonly { kind: string; what: string; sql: string }[] = [
  {
    kind: "config-missing",
    what: "has no config in the store",
    sql: "SELECT id AS subject FROM image WHERE id NOT IN (SELECT digest FROM blob)",
  },
  {
    kind: "layer-missing",
    what: "lacks a layer",
    sql: "SELECT DISTINCT image AS subject FROM image_layer WHERE diff_id NOT IN (SELECT digest FROM blob)",
  },
  {
    kind: "manifest-missing",
    what: "is a manifest without its document",
    sql: "SELECT digest AS subject FROM manifest WHERE digest NOT IN (SELECT digest FROM blob)",
  },
  {
    kind: "index-document-missing",
    what: "is an index, or a part of one, without its document",
    sql: `SELECT digest AS subject FROM image_index WHERE digest NOT IN (SELECT digest FROM blob)
      UNION SELECT digest FROM index_document WHERE digest NOT IN (SELECT digest FROM blob)`,
  },
  {
    kind: "compressed-missing",
    what: "lacks a compressed layer",
    sql: "SELECT DISTINCT manifest AS subject FROM manifest_layer WHERE digest NOT IN (SELECT digest FROM blob)",
  },
  {
    kind: "container-layer-missing",
    what: "is a container that lacks a layer",
    sql: "SELECT DISTINCT container AS subject FROM container_layer WHERE diff_id NOT IN (SELECT digest FROM blob)",
  },
];

/** Rows that name blobs of which there is no row. */
function checkReferences(store: Store): CheckFinding[] {
  return references.flatMap(({ kind, what, sql }) =>
    store.database.all<{ subject: string }>(sql).map(({ subject }) => ({
      kind,
      subject,
      message: `${subject} ${what}`,
      repaired: false,
    })),
  );
}
