// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isSystemError, LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";

/** A file or a folder that the user named. */
export interface OpenPath extends Disposable {
  readonly fd: number;
  readonly isFolder: boolean;
}

/**
 * Opens what the user named.
 *
 * @throws LadeError ARCHIVE_NOT_FOUND, STORE_DENIED, IO_FAILED
 */
export function openPath(path: string): OpenPath {
  try {
    const fd = fs.openSync(path, "r");
    const isFolder = fs.fstatSync(fd).isDirectory();
    return { fd, isFolder, [Symbol.dispose]: () => fs.closeSync(fd) };
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw ioError(error, `open ${path}`);
    throw new LadeError("ARCHIVE_NOT_FOUND", `open ${path}: no such file or directory`, {
      cause: error,
    });
  }
}
