// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isLadeError, isSystemError } from "../base/errors.ts";
import type { ContainerMount, ContainerRow } from "../content/containers.ts";
import type { RootView } from "../rootfs/resolve.ts";
import { openInRoot, pathOnly } from "../sys/file.ts";
import { type ByteString, textToByteString } from "../tar/entry.ts";
import { cleanPath } from "./clean-path.ts";
import { useRootfs } from "./container-rootfs.ts";
import { hasProcess } from "./container-state.ts";
import { whileThere } from "./container-tree.ts";
import type { Engine } from "./engine.ts";
import { type NetworkFiles, networkFiles } from "./network-files.ts";
import { randomId } from "./random.ts";
import { withMountedVolume } from "./volume-mounts.ts";
import { readyWorkingFolder } from "./working-folder.ts";

/** A container's file system with what is mounted in it, as long as work is done with it. */
export interface ContainerView extends RootView {
  readonly isRunning: boolean;
}

/**
 * Does work with a container's file system: of one that runs as its processes see it, of another one
 * its root with volumes and folders of the host at their places, without mounting these.
 */
export async function withContainerView<T>(
  engine: Engine,
  row: ContainerRow,
  work: (view: ContainerView) => Promise<T>,
): Promise<T> {
  const rootFd = openRunningRoot(engine, row);
  if (rootFd !== undefined) {
    try {
      return await work({ rootFd, mounts: new Map(), isRunning: true });
    } finally {
      fs.closeSync(rootFd);
    }
  }
  return await whileThere(engine, row, () => withStoppedView(engine, row, work));
}

async function withStoppedView<T>(
  engine: Engine,
  row: ContainerRow,
  work: (view: ContainerView) => Promise<T>,
): Promise<T> {
  await readyWorkingFolder(engine, row);
  using rootfs = await useRootfs(engine, row);
  using mounts = new OpenMounts();
  const root = mounts.keep(fs.openSync(rootfs.path, pathOnly + fs.constants.O_DIRECTORY));
  mounts.addNetworkFiles(engine, row);
  const folders = row.definition.mounts.filter(({ Type: type }) => type !== "tmpfs");
  return await withMounts(engine, { mounts, folders }, () =>
    work({ rootFd: root, mounts: mounts.byPath, isRunning: false }),
  );
}

/** The root of a container's process, which stays its root once it is open, whatever becomes of it. */
function openRunningRoot(engine: Engine, { state }: ContainerRow): number | undefined {
  if (state.status !== "running" && state.status !== "paused") return undefined;
  if (!hasProcess(engine, state)) return undefined;
  let fd: number;
  try {
    fd = fs.openSync(`/proc/${state.pid}/root`, pathOnly + fs.constants.O_DIRECTORY);
  } catch (error) {
    if (isSystemError(error, "ENOENT") || isSystemError(error, "ESRCH")) return undefined;
    throw error;
  }
  // Another process may have got the number meanwhile.
  if (hasProcess(engine, state)) return fd;
  fs.closeSync(fd);
  return undefined;
}

class OpenMounts implements Disposable {
  readonly byPath = new Map<ByteString, number>();
  readonly #opened: number[] = [];

  keep(fd: number): number {
    this.#opened.push(fd);
    return fd;
  }

  add(destination: string, source: string, subpath: string): void {
    const path = textToByteString(cleanPath(`/${destination}`));
    try {
      const fd = this.keep(fs.openSync(source, pathOnly));
      const found =
        subpath === "" ? fd : this.keep(openInRoot(fd, textToByteString(subpath), pathOnly));
      this.byPath.set(path, found);
    } catch (error) {
      // A folder of the host may not be there yet: `start` makes it, or tells of it.
      if (!isSystemError(error, "ENOENT") && !isSystemError(error, "ENOTDIR")) throw error;
    }
  }

  /** They are there once the container has run. */
  addNetworkFiles(engine: Engine, row: ContainerRow): void {
    const files = ownFiles(engine, row);
    if (files === undefined) return;
    this.add("/etc/hosts", files.hosts, "");
    this.add("/etc/hostname", files.hostname, "");
    this.add("/etc/resolv.conf", files.resolvConf, "");
  }

  [Symbol.dispose](): void {
    for (const fd of this.#opened) fs.closeSync(fd);
  }
}

/** One that shares the network of a container that is gone has none. */
function ownFiles(engine: Engine, row: ContainerRow): NetworkFiles | undefined {
  try {
    return networkFiles(engine, row);
  } catch (error) {
    if (isLadeError(error, "CONTAINER_NOT_FOUND")) return undefined;
    throw error;
  }
}

interface WantedMounts {
  readonly mounts: OpenMounts;
  readonly folders: readonly ContainerMount[];
}

async function withMounts<T>(
  engine: Engine,
  { mounts, folders }: WantedMounts,
  work: () => Promise<T>,
): Promise<T> {
  const [first, ...others] = folders;
  if (first === undefined) return await work();
  const next = () => withMounts(engine, { mounts, folders: others }, work);
  const { Destination: destination, subpath = "" } = first;
  if (first.Type === "bind") {
    mounts.add(destination, first.Source, "");
    return await next();
  }
  // Not the container's own name: it may start meanwhile, and use the volume itself.
  const use = { name: first.Name ?? "", user: randomId() };
  return await withMountedVolume(engine, use, async (folder) => {
    mounts.add(destination, folder, subpath);
    return await next();
  });
}
