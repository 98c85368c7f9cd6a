// SPDX-License-Identifier: Apache-2.0

import { ImageArchiveDetector } from "../archive/detect-image.ts";
import { LadeError } from "../base/errors.ts";
import { commitBlobs, stageDocument } from "../content/commit.ts";
import { openHashThread } from "../content/hash-thread.ts";
import { putImage } from "../content/images.ts";
import { openLease } from "../content/lease.ts";
import { stageLayer } from "../content/stage.ts";
import { applyChanges } from "../spec/change.ts";
import { type Digest, digestOf } from "../spec/digest.ts";
import { normalizeGoTime } from "../spec/go-time.ts";
import type { ImageConfigSection } from "../spec/image-config.ts";
import { formatImportedConfig } from "../spec/image-config-format.ts";
import { formatPlatform, hostPlatform, parsePlatform } from "../spec/platform.ts";
import { parseReference, type Reference, withDefaultTag } from "../spec/reference.ts";
import { type ByteString, byteStringToText } from "../tar/entry.ts";
import type { Engine } from "./engine.ts";
import { noteImage } from "./image-events.ts";
import { openImportSource, withoutCredentials } from "./import-source.ts";
import { nameImage } from "./new-reference.ts";
import type { ImportOptions } from "./types.ts";

export interface ImportResult {
  readonly id: string;
  readonly warnings: readonly string[];
}

/**
 * Makes an image of one layer from a tar of a file system.
 *
 * @throws LadeError ARCHIVE_IS_IMAGE for an image archive without `force`, REFERENCE_INVALID,
 *   CHANGE_INVALID, PLATFORM_INVALID, and what the source or the disk throw
 */
export async function importImage(engine: Engine, options: ImportOptions): Promise<ImportResult> {
  const { store } = engine;
  // Everything that can be wrong without reading the tar is found before it is read.
  const reference = referenceOf(options.reference);
  const config = applyChanges({} as ImageConfigSection, options.changes ?? []);
  const platform = options.platform ? parsePlatform(options.platform) : hostPlatform();
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(options.signal ? [options.signal] : [])]);
  using source = await openImportSource(options.source, signal);
  using lease = openLease(store);
  await using hashThread = openHashThread();
  const { onProgress } = options;
  const names = options.force === true ? undefined : watchNames(source.place, stop);
  const staged = await stageLayer(source.bytes, {
    folder: lease.folder,
    stagingPath: lease.stagingPath(),
    place: source.place,
    keepCompressed: false,
    hasher: hashThread.begin(source.size),
    signal,
    onEntryPath: names?.see,
    onProgress: (current) =>
      onProgress?.({
        type: "layer",
        action: "import",
        id: source.place,
        current,
        total: source.size,
      }),
  });
  if (staged.tar.size === 0) {
    throw new LadeError("TAR_TRUNCATED", `${source.place}: unexpected EOF: it is empty`);
  }
  if (staged.problem !== undefined) throw staged.problem;
  if (staged.index === undefined) throw new Error("a staged layer without index or problem");
  names?.finish();
  const created = normalizeGoTime(new Date().toISOString());
  const configBytes = formatImportedConfig({
    architecture: platform.architecture,
    os: platform.os,
    variant: platform.variant,
    config,
    created,
    comment: options.message || `Imported from ${shownSource(options.source)}`,
    diffId: staged.tar.digest,
  });
  const id: Digest = digestOf(configBytes);
  const layer = { digest: staged.tar.digest, isFresh: true, layer: staged.index };
  const document = await stageDocument(lease, configBytes);
  const { contentSize } = staged.index;
  commitBlobs(store, { lease, blobs: [layer, document] }, () => {
    putImage(store.database, {
      id,
      created,
      size: contentSize,
      platform: formatPlatform(platform),
      parent: undefined,
      labels: config.Labels ?? {},
      diffIds: [staged.tar.digest],
      manifests: [],
    });
    nameImage(store, reference, id);
    noteImage(store.database, id, "import");
  });
  return { id, warnings: [] };
}

/** Looks for an image archive, and stops the reading at the first name that tells. */
function watchNames(place: string, stop: AbortController) {
  const detector = new ImageArchiveDetector(place);
  return {
    see(path: ByteString): void {
      try {
        detector.see(byteStringToText(path));
      } catch (error) {
        stop.abort(error);
      }
    },
    finish(): void {
      stop.signal.throwIfAborted();
      detector.finish();
    },
  };
}

/** Docker's client sends files through a pipe, so that they all are `-`. */
function shownSource(source: ImportOptions["source"]): string {
  return typeof source === "string" && /^https?:\/\//i.test(source)
    ? withoutCredentials(source)
    : "-";
}

function referenceOf(text: string | undefined): Reference | undefined {
  if (text === undefined || text === "") return undefined;
  const reference = parseReference(text);
  if (reference.digest !== undefined) {
    throw new LadeError("REFERENCE_INVALID", "cannot import digest reference", {
      hint: "Give a name and a tag: NAME:TAG.",
    });
  }
  return withDefaultTag(reference);
}
