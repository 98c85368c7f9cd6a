// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { bootId } from "../content/boot.ts";
import { withLock } from "../sys/lock.ts";
import { isMountPoint } from "../sys/mount.ts";
import { removeAll } from "../sys/remove-all.ts";
import { listNames } from "./layer-mounts.ts";
import { containerRunFolder, makeRunFolders, type RunPaths } from "./run-paths.ts";

/** Work on mounts, one process at a time. */
export function withMounts<T>(run: RunPaths, work: () => T): T {
  try {
    makeRunFolders(run);
    return withLock(join(run.locks, "mounts"), () => {
      forgetOtherBoots(run);
      return work();
    });
  } catch (error) {
    throw ioError(error, `mount below ${run.root}`);
  }
}

/**
 * Where the run root lies on a disk, it may be of another boot: nothing is mounted any more,
 * whatever is written there.
 */
function forgetOtherBoots(run: RunPaths): void {
  const path = join(run.root, "boot");
  const now = bootId();
  if (readText(path) === now) return;
  for (const key of listNames(run.layerUsers)) {
    removeAll(join(run.layerUsers, key));
  }
  for (const id of listNames(run.containers)) {
    const container = containerRunFolder(run, id);
    if (!isMountPoint(join(container, "rootfs")))
      fs.rmSync(join(container, "layers"), { force: true });
  }
  fs.writeFileSync(path, now, { mode: 0o600 });
}

function readText(path: string): string | undefined {
  try {
    return fs.readFileSync(path, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The keys of the layers that a container has, in the file that tells that it is mounted. */
export function readLayerKeys(run: RunPaths, containerId: string): string[] {
  const path = join(containerRunFolder(run, containerId), "layers");
  return (readText(path) ?? "").split("\n").filter(Boolean);
}
