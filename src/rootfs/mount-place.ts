// SPDX-License-Identifier: Apache-2.0

/** Places in the tree where lade mounts things, kept apart from everybody else's mounts. */

import { isSystemError } from "../base/errors.ts";
import { bindMount, isMountPoint, mount, mountFlags, unmount } from "../sys/mount.ts";
import { mountError } from "./mount-error.ts";

/**
 * Makes a folder a mount of itself whose mounts do not spread.
 *
 * `/run` is a shared mount on most systems: what is mounted below it shows up in the mount
 * namespaces of other services, and stays there when it is unmounted here. Below an unbindable
 * mount nothing spreads, and a container that binds the host's `/` does not get, and keep, a copy
 * of other containers' roots.
 */
export function makeUnbindable(folder: string): void {
  try {
    if (!isMountPoint(folder)) bindMount(folder, folder);
    // Also where it was mounted before: its maker may have been killed before this.
    mount({ source: "none", target: folder, type: "", flags: mountFlags.unbindable });
  } catch (error) {
    throw mountError(error, `mount ${folder}`);
  }
}

/**
 * Unmounts all that is mounted at a path, one on top of the other; nothing is fine, too.
 *
 * Where a process of the host still looks into it (an export, a shell), the mount leaves the tree
 * at once and ends with that process: it may read on, and nobody has to wait for it.
 */
export function unmountAll(path: string): void {
  try {
    while (isMountPoint(path)) {
      try {
        unmount(path);
      } catch (error) {
        if (!isSystemError(error, "EBUSY")) throw error;
        unmount(path, { lazy: true });
      }
    }
  } catch (error) {
    throw mountError(error, `unmount ${path}`);
  }
}
