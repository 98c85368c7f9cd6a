// SPDX-License-Identifier: Apache-2.0

/** What killed commands left: folders, mounts and processes that belong to no container. */

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { allContainers, containerById, isRunning } from "../content/containers.ts";
import { containerFolder } from "../content/paths.ts";
import { driverLockPath, forgetUnfinishedChoice } from "../rootfs/driver.ts";
import { isProbe, removeProbe } from "../rootfs/probe.ts";
import { sweepMounts } from "../rootfs/rootfs.ts";
import { containerRunFolder } from "../rootfs/run-paths.ts";
import { usesSystemdCgroups } from "../runtime/cgroup.ts";
import { removeNamespace } from "../runtime/network/namespaces.ts";
import { deleteProcess } from "../runtime/process.ts";
import { execsFolder, processPaths, runtimeRoot } from "../runtime/process-paths.ts";
import { cgroupsPath } from "../runtime/spec/cgroups-path.ts";
import { tryLock } from "../sys/libc.ts";
import { removeAll } from "../sys/remove-all.ts";
import { withFreeContainerLock } from "./container-lock.ts";
import { releaseRootfs } from "./container-rootfs.ts";
import { isStale } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { settle } from "./settle.ts";
import { attendedPath } from "./tear-down.ts";
import { removeRetired, removeUnrecordedFolders } from "./volume-folders.ts";

/**
 * Brings every row up to date, and removes what no row stands for. What somebody holds a lock of
 * is left alone.
 */
export async function sweepRemains(engine: Engine): Promise<void> {
  const { store, run } = engine;
  for (const row of allContainers(store.database)) {
    if (isStale(engine, row)) {
      await withFreeContainerLock(engine, row.id, () => settle(engine, row));
    }
  }
  for (const id of listFolder(store.paths.containers)) await sweepContainerFolder(engine, id);
  for (const id of listFolder(runtimeRoot(run))) {
    if (containerById(store.database, id) !== undefined) continue;
    await withFreeContainerLock(engine, id, async () => {
      await deleteProcess(run, id, {
        force: true,
        cgroup: cgroupsPath(id, "", usesSystemdCgroups()),
      });
    });
  }
  for (const id of listFolder(run.netns)) {
    if (containerById(store.database, id) === undefined) removeNamespace(run, id);
  }
  if (fs.existsSync(run.containers)) sweepRoots(engine);
  for (const id of listFolder(run.containers)) await sweepRunFolder(engine, id);
  for (const name of listFolder(run.locks)) {
    const [id = "", kind] = name.split(".");
    const isForgotten = kind === "rootfs" && containerById(store.database, id) === undefined;
    if (isForgotten) releaseRootfs(engine, id);
    // Who was killed between a container's row and its lock left that: it goes by being freed.
    const isOwn = kind === undefined && /^[0-9a-f]{64}$/.test(id);
    if (isOwn) await withFreeContainerLock(engine, id, async () => undefined);
  }
  // A removal may be killed between a container's folder and this.
  for (const id of listFolder(run.exits)) {
    if (containerById(store.database, id) !== undefined) continue;
    await withFreeContainerLock(engine, id, async () => {
      fs.rmSync(join(run.exits, id), { force: true });
    });
  }
  for (const key of listFolder(join(run.root, "sound"))) {
    if (!fs.existsSync(join(store.paths.blobs, key))) fs.rmSync(join(run.root, "sound", key));
  }
  removeRetired(store);
  removeUnrecordedFolders(store);
}

/** Removes a container's folder whose row never came, or went before it. */
export async function sweepContainerFolder(engine: Engine, id: string): Promise<void> {
  const { store } = engine;
  if (containerById(store.database, id) !== undefined) return;
  await withFreeContainerLock(engine, id, async () => {
    if (containerById(store.database, id) !== undefined) return;
    const folder = containerFolder(store.paths, id);
    try {
      removeAll(folder);
    } catch (error) {
      throw ioError(error, `remove ${folder}`);
    }
  });
}

/** Roots of containers that do not run, and of probes of the kernel that nobody is making. */
function sweepRoots({ store, run }: Engine): void {
  const fd = openLock(driverLockPath(run));
  try {
    const isProbing = !tryLock(fd);
    sweepMounts(run, (id) => {
      if (isProbe(id)) return isProbing;
      const row = containerById(store.database, id);
      return row !== undefined && isRunning(row.state);
    });
    if (!isProbing) {
      removeProbe(store.paths.root);
      forgetUnfinishedChoice(run);
    }
  } finally {
    fs.closeSync(fd);
  }
}

function openLock(path: string): number {
  try {
    return fs.openSync(path, "a", 0o600);
  } catch (error) {
    throw ioError(error, `open ${path}`);
  }
}

/** What a process of a container had, once nothing is mounted there any more. */
async function sweepRunFolder(engine: Engine, id: string): Promise<void> {
  if (isProbe(id) || containerById(engine.store.database, id) !== undefined) return;
  await withFreeContainerLock(engine, id, async () => {
    const { bundle } = processPaths(engine.run, id);
    for (const path of [bundle, execsFolder(engine.run, id), attendedPath(engine, id)]) {
      removeAll(path);
    }
    try {
      fs.rmdirSync(containerRunFolder(engine.run, id));
    } catch (error) {
      const isExpected = ["ENOENT", "ENOTEMPTY", "EBUSY"].some((code) =>
        isSystemError(error, code),
      );
      if (!isExpected) throw ioError(error, `clean up container ${id}`);
    }
  });
}

function listFolder(path: string): string[] {
  try {
    return fs.readdirSync(path);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return [];
    throw ioError(error, `read ${path}`);
  }
}
