// SPDX-License-Identifier: Apache-2.0

import { type ByteSource, readFully } from "../base/bytes.ts";
import { limits } from "../base/limits.ts";
import { type HashThread, openHashThread } from "../content/hash-thread.ts";
import type { Lease } from "../content/lease.ts";
import { stageLayer } from "../content/stage.ts";
import { byteStringToText } from "../tar/entry.ts";
import { FilesystemDetector } from "./detect.ts";
import { type MemberContent, MemberTable, recordOf } from "./member.ts";
import { skippableStream, walkTar } from "./walk-tar.ts";

/** Members up to this size stay in memory: documents, and layers of a few files. */
const memorySize = 1024 * 1024;

export interface SpoolOptions {
  readonly lease: Lease;
  /** What errors call the archive. */
  readonly place: string;
  readonly onMember?: ((name: string, size: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes in an archive that can be read only once, from front to back.
 *
 * Which members are layers is often told last (`manifest.json` comes at the end), so every large
 * member goes into the lease's folder under its digest as it passes: no copy of the archive is made
 * beside it.
 *
 * @throws LadeError TAR_*, ARCHIVE_IS_FILESYSTEM as soon as that shows, and what staging throws
 */
export async function spoolArchive(
  source: ByteSource,
  options: SpoolOptions,
): Promise<MemberTable> {
  const table = new MemberTable(options.place);
  const detector = new FilesystemDetector(options.place);
  await using hashThread = openHashThread();
  const keep = memberKeeper(options, hashThread);
  const { signal } = options;
  const stream = skippableStream(source, { onRead: () => undefined, signal });
  await walkTar(stream, {
    place: options.place,
    async onEntry(entry, data) {
      signal?.throwIfAborted();
      const name = byteStringToText(entry.path);
      detector.see(name);
      const size = entry.storedSize;
      const keepMember = async () => ({ name, size, content: await keep(name, size, data) });
      table.add(name, await recordOf(entry, keepMember));
    },
  });
  detector.finish(table);
  // The writer may have more to say, such as padding, and must not die of a closed pipe.
  await stream.skip(Number.POSITIVE_INFINITY);
  return table;
}

type Keeper = (name: string, size: number, data: ByteSource) => Promise<MemberContent>;

/** Keeps members in memory as long as they are small and few, else in the lease's folder. */
function memberKeeper(options: SpoolOptions, hashThread: HashThread): Keeper {
  let used = 0;
  return async (name, size, data) => {
    if (size <= memorySize && used + size <= limits.spooledDocumentsSize) {
      used += size;
      const bytes = Buffer.allocUnsafe(size);
      const count = await readFully(data, bytes);
      return { type: "bytes", bytes: bytes.subarray(0, count) };
    }
    const staged = await stageLayer(data, {
      folder: options.lease.folder,
      stagingPath: options.lease.stagingPath(),
      place: `${options.place}: ${name}`,
      keepCompressed: true,
      hasher: hashThread.begin(size),
      onProgress: (done) => options.onMember?.(name, done, size),
      signal: options.signal,
    });
    return { type: "staged", staged, path: options.lease.pathOf(staged.blob.digest) };
  };
}
