// SPDX-License-Identifier: Apache-2.0

/** Files of this machine as tars, which is how they go into containers and come out of them. */

import * as fs from "node:fs";
import type { ByteSource } from "../base/bytes.ts";
import { ioError } from "../base/io-error.ts";
import { extractArchive } from "../rootfs/archive-in.ts";
import { archiveParts } from "../rootfs/archive-out.ts";
import { disposableSource } from "../rootfs/layer-writer.ts";
import { findPath, type RootView } from "../rootfs/resolve.ts";
import { pathOnly } from "../sys/file.ts";
import { textToByteString } from "../tar/entry.ts";

/** This machine's whole file system in the place of a container's. */
class LocalView implements RootView, Disposable {
  readonly rootFd = fs.openSync("/", pathOnly);
  readonly mounts: RootView["mounts"] = new Map();

  [Symbol.dispose](): void {
    fs.closeSync(this.rootFd);
  }
}

export interface LocalArchive extends ByteSource, Disposable {}

/**
 * A file, or a folder with all in it, as a tar.
 *
 * @param path absolute; a symlink at its end goes as one, unless a slash follows
 * @param memberName what the first member is called
 * @throws LadeError IO_FAILED, STORE_DENIED for what can't be read
 */
export function packLocal(path: string, memberName: string): LocalArchive {
  const work = `read ${path}`;
  using stack = new DisposableStack();
  try {
    const view = stack.use(new LocalView());
    const found = stack.use(findPath(view, textToByteString(path), { followLast: false }));
    const member = memberName === "/" ? "" : textToByteString(memberName);
    const source = stack.use(disposableSource(archiveParts(view, found, member)));
    const open = stack.move();
    return {
      async read(target) {
        try {
          return await source.read(target);
        } catch (error) {
          throw ioError(error, work);
        }
      },
      [Symbol.dispose]: () => open.dispose(),
    };
  } catch (error) {
    throw ioError(error, work);
  }
}

/**
 * Extracts a tar into a folder; all that comes belongs to who runs lade.
 *
 * @param folder absolute, without symlinks
 * @throws LadeError NAME_ESCAPES, CONTAINER_CONFLICT for a folder in place of a file or the other
 *   way round, TAR_*, IO_FAILED, STORE_DENIED, DISK_FULL
 */
export async function unpackLocal(
  folder: string,
  source: ByteSource,
  signal?: AbortSignal,
): Promise<void> {
  using view = new LocalView();
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const target = { view, folder: textToByteString(folder) };
  try {
    await extractArchive(target, source, { keepsTypes: true, owner, signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw ioError(error, `write to ${folder}`);
  }
}
