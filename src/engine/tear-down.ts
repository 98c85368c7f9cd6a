// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isLadeError, LadeError, messageOf } from "../base/errors.ts";
import type { ContainerRow } from "../content/containers.ts";
import { containerRunFolder } from "../rootfs/run-paths.ts";
import { usesSystemdCgroups } from "../runtime/cgroup.ts";
import { deleteProcess } from "../runtime/process.ts";
import { execsFolder } from "../runtime/process-paths.ts";
import { cgroupsPath } from "../runtime/spec/cgroups-path.ts";
import { removeAll } from "../sys/remove-all.ts";
import { releaseRootfs } from "./container-rootfs.ts";
import type { Engine } from "./engine.ts";
import { deleteExecs, hasExecs } from "./exec-rows.ts";
import { stopHealthMonitor } from "./health-monitor.ts";
import { tearDownNetwork } from "./network-setup.ts";
import { releaseMounts } from "./process-mounts.ts";
import { releaseVolumes } from "./volume-mounts.ts";

/** True where something of a run is left in the run root. */
export function hasRemains(engine: Engine, id: string): boolean {
  return fs.existsSync(containerRunFolder(engine.run, id));
}

/**
 * Takes away all that a running container has on this machine: processes, cgroup, network, mounts.
 * Can be repeated, and does what is left where an earlier one was killed.
 *
 * @returns what could not be taken away, for the container's state to tell; all else is gone
 */
export async function tearDown(engine: Engine, row: ContainerRow): Promise<LadeError | undefined> {
  const { run } = engine;
  stopHealthMonitor(engine, row.id);
  const outcomes = await Promise.allSettled([
    deleteProcess(run, row.id, { force: true, cgroup: cgroupOf(row) }),
    tearDownNetwork(engine, row),
  ]);
  const faults = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason as unknown] : [],
  );
  for (const step of [
    () => releaseMounts(engine, row.id),
    () => releaseRootfs(engine, row.id, { isEnded: true }),
    () => releaseVolumes(engine, row),
    () => removeFolders(engine, row.id),
    () => forgetExecs(engine, row.id),
  ]) {
    try {
      step();
    } catch (error) {
      faults.push(error);
    }
  }
  const bug = faults.find((fault) => !isLadeError(fault));
  if (bug !== undefined) throw bug;
  return faults.find((fault) => isLadeError(fault));
}

/** They ended with the container. */
function forgetExecs({ store: { database } }: Engine, id: string): void {
  if (!hasExecs(database, id)) return;
  database.transaction(() => deleteExecs(database, id), { isDurable: false });
}

/** Where the container's cgroup is, in the form that its specification has. */
export function cgroupOf(row: ContainerRow): string {
  return cgroupsPath(row.id, row.definition.hostConfig.CgroupParent ?? "", usesSystemdCgroups());
}

/** Never a whole tree: what is mounted in it would be emptied. */
function removeFolders(engine: Engine, id: string): void {
  removeAll(execsFolder(engine.run, id));
  const folder = containerRunFolder(engine.run, id);
  fs.rmSync(attendedPath(engine, id), { force: true });
  try {
    fs.rmdirSync(folder);
  } catch (error) {
    // Somebody may still be reading the root; who leaves last takes the folder.
    if (fs.existsSync(folder) && !isBusy(error)) {
      throw new LadeError("IO_FAILED", `remove ${folder}: ${messageOf(error)}`, { cause: error });
    }
  }
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && "code" in error && /^(ENOTEMPTY|EBUSY)$/.test(String(error.code))
  );
}

/** Locked as long as a command that is attached will see to the container's end itself. */
export function attendedPath(engine: Engine, id: string): string {
  return `${containerRunFolder(engine.run, id)}/attended`;
}
