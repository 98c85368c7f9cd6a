// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError, LadeError, messageOf } from "../../base/errors.ts";
import type { RunPaths } from "../../rootfs/run-paths.ts";
import { isMountPoint, unmount } from "../../sys/mount.ts";
import { createNetworkNamespace } from "../../sys/namespace.ts";

/** Where a container's network namespace is kept while it runs. */
export function namespacePath(run: RunPaths, containerId: string): string {
  return join(run.netns, containerId);
}

/** True where the namespace is there; after a reboot only its empty file may be. */
export function hasNamespace(run: RunPaths, containerId: string): boolean {
  return isMountPoint(namespacePath(run, containerId));
}

/**
 * Makes a fresh network namespace for a container, with its loopback device up.
 *
 * @returns its path
 * @throws LadeError ROOT_NEEDED, NETWORK_FAILED
 */
export function makeNamespace(run: RunPaths, containerId: string): string {
  removeNamespace(run, containerId);
  fs.mkdirSync(run.netns, { recursive: true, mode: 0o700 });
  const path = namespacePath(run, containerId);
  try {
    createNetworkNamespace(path);
  } catch (error) {
    if (isSystemError(error, "EPERM") || isSystemError(error, "EACCES")) {
      throw new LadeError("ROOT_NEEDED", "making a network for a container needs root", {
        hint: "Run as root, or with --network host.",
        cause: error,
      });
    }
    throw new LadeError("NETWORK_FAILED", `network namespace ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return path;
}

/** Lets go of a container's network namespace; it ends with the last process in it. */
export function removeNamespace(run: RunPaths, containerId: string): void {
  const path = namespacePath(run, containerId);
  while (isMountPoint(path)) unmount(path, { lazy: true });
  fs.rmSync(path, { force: true });
}
