// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { ioError } from "../base/io-error.ts";
import { changeModeAt, makeFolderAt, pathOnly, unlinkAt } from "../sys/file.ts";
import { statusAtIfThere } from "../sys/status.ts";

const folderMode = 0o755;
const names = ["dev", "proc", "sys"];

/**
 * Makes sure that the kernel's folders in a container's root are folders.
 *
 * Where an image, or who copied into a container, has put a symlink in the place of `/dev`, runc up
 * to 1.1 follows it on the host, and makes and removes files there. Docker puts a layer of its own
 * with these folders on top of each image (daemon/initlayer of moby); here they take the place of
 * what is wrong.
 *
 * @param rootfs the mounted root, which no process of the container uses yet
 */
export function ensureRootFolders(rootfs: string): void {
  const rootFd = fs.openSync(rootfs, pathOnly | fs.constants.O_DIRECTORY);
  try {
    for (const name of names) {
      const status = statusAtIfThere(rootFd, name);
      if (status?.type === "directory") continue;
      if (status !== undefined) unlinkAt(rootFd, name);
      makeFolderAt(rootFd, name, folderMode);
      // The umask took bits away.
      changeModeAt(rootFd, name, folderMode);
    }
  } catch (error) {
    throw ioError(error, "make the folders of the container's root");
  } finally {
    fs.closeSync(rootFd);
  }
}
