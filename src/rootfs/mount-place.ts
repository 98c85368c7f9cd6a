// SPDX-License-Identifier: Apache-2.0

/** Places in the tree where lade mounts things, kept apart from everybody else's mounts. */

import { isSystemError } from "../base/errors.ts";
import { bindMount, isMountPoint, mount, mountFlags, unmount } from "../sys/mount.ts";
import { mountError } from "./mount-error.ts";

/**
 * Makes a folder a mount of itself, with a peer group of its own.
 *
 * `/run` is shared with all services on most systems, and private on others; neither will do. In
 * what is shared, a container's root would show up in all of them. In what is private, a mount
 * namespace that is made while a container runs would get a copy, and keep the container's root
 * after it is unmounted here. Here such a copy is a peer or a slave, and is unmounted with ours.
 */
export function makeMountPlace(folder: string): void {
  try {
    if (!isMountPoint(folder)) bindMount(folder, folder);
    // Also where it was mounted before: its maker may have been killed before this.
    for (const flags of [mountFlags.private, mountFlags.shared]) {
      mount({ source: "none", target: folder, type: "", flags });
    }
  } catch (error) {
    throw mountError(error, `mount ${folder}`);
  }
}

/**
 * Unmounts all that is mounted at a path, one on top of the other; nothing is fine, too.
 *
 * Where a process still looks into it (an export, a shell, a service with a namespace of its own),
 * the mount leaves the tree at once and ends with that process: it may read on, and nobody has to
 * wait for it.
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
