// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isSystemError, LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { changeModeAt, makeFolderAt, openInRoot, pathOnly } from "../sys/file.ts";

const folderMode = 0o755;
const openFolder = pathOnly | fs.constants.O_DIRECTORY;

/**
 * Makes a container's working folder where it is missing, with the folders above it.
 *
 * Symlinks of the image are followed as the container would: they never lead out of its root.
 *
 * @param path absolute; empty: nothing is made
 * @throws LadeError CONTAINER_INVALID where something else is there, in Docker's words
 */
export function makeWorkingFolder(rootfs: string, path: string): void {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.length === 0) return;
  const rootFd = fs.openSync(rootfs, openFolder);
  try {
    for (let end = 1; end <= names.length; end++) ensureFolder(rootFd, names.slice(0, end));
  } catch (error) {
    if (isInTheWay(error)) {
      throw new LadeError("CONTAINER_INVALID", `Cannot mkdir: ${path} is not a directory`, {
        cause: error,
      });
    }
    throw ioError(error, `make the working folder ${path}`);
  } finally {
    fs.closeSync(rootFd);
  }
}

function isInTheWay(error: unknown): boolean {
  return ["ENOTDIR", "EEXIST", "ELOOP", "EXDEV"].some((code) => isSystemError(error, code));
}

function ensureFolder(rootFd: number, names: readonly string[]): void {
  if (isFolder(rootFd, names)) return;
  const name = Buffer.from(names.at(-1) ?? "");
  const parentFd = openInRoot(rootFd, bytePath(names.slice(0, -1)), openFolder);
  try {
    makeFolderAt(parentFd, name, folderMode);
    // The umask took bits away.
    changeModeAt(parentFd, name, folderMode);
  } finally {
    fs.closeSync(parentFd);
  }
}

function isFolder(rootFd: number, names: readonly string[]): boolean {
  try {
    fs.closeSync(openInRoot(rootFd, bytePath(names), openFolder));
    return true;
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return false;
    throw error;
  }
}

function bytePath(names: readonly string[]): Buffer {
  return Buffer.from(`./${names.join("/")}`);
}
