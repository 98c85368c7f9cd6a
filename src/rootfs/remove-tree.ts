// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isSystemError } from "../base/errors.ts";
import { listFolder, openAt, removeFolderAt, unlinkAt } from "../sys/file.ts";
import { statusAtIfThere } from "../sys/status.ts";
import type { ByteString } from "../tar/entry.ts";

const folderFlags = fs.constants.O_RDONLY | fs.constants.O_DIRECTORY;

/**
 * Removes a file, or a folder with all in it, from an open folder. Symlinks go, not what they lead
 * to, whatever somebody else puts in place meanwhile.
 *
 * @throws SystemError EBUSY where something is mounted
 */
export function removeTreeAt(dirFd: number, name: ByteString): void {
  try {
    if (statusAtIfThere(dirFd, name)?.type === "directory") removeFolder(dirFd, name);
    else unlinkAt(dirFd, name);
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw error;
  }
}

function removeFolder(dirFd: number, name: ByteString): void {
  const fd = openAt(dirFd, name, folderFlags);
  try {
    for (const child of listFolder(fd)) removeTreeAt(fd, child);
  } finally {
    fs.closeSync(fd);
  }
  removeFolderAt(dirFd, name);
}
