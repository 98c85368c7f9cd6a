// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";

/**
 * How this machine's control groups are set up.
 *
 * `unified`: version 2 only. `legacy`: version 1, one tree for each controller. `hybrid`: version 1
 * with an empty version 2 tree beside it.
 */
export type CgroupMode = "unified" | "legacy" | "hybrid";

const mountPoint = "/sys/fs/cgroup";
// CGROUP2_SUPER_MAGIC of <linux/magic.h>.
const unifiedType = 0x63677270;

let mode: CgroupMode | undefined;

export function cgroupMode(): CgroupMode {
  mode ??= readMode();
  return mode;
}

function readMode(): CgroupMode {
  if (fs.statfsSync(mountPoint).type === unifiedType) return "unified";
  return fs.existsSync(join(mountPoint, "unified/cgroup.procs")) ? "hybrid" : "legacy";
}

/** Whether systemd manages the cgroups, so that a runtime has to ask it (as sd_booted(3) tells). */
export function usesSystemdCgroups(): boolean {
  return cgroupMode() === "unified" && fs.existsSync("/run/systemd/system");
}

/** The folders of one cgroup: of each version 1 controller, and `""` for version 2. */
export type CgroupFolders = ReadonlyMap<string, string>;

/**
 * The cgroup folders of a process.
 *
 * @returns empty when the process is gone
 */
export function cgroupsOf(pid: number): CgroupFolders {
  let text: string;
  try {
    text = fs.readFileSync(`/proc/${pid}/cgroup`, "utf8");
  } catch (error) {
    if (isSystemError(error, "ENOENT") || isSystemError(error, "ESRCH")) return new Map();
    throw error;
  }
  return parseCgroups(text, cgroupMode());
}

/** Whether a process is held by `pauseProcess`. */
export function isPaused(pid: number): boolean {
  const folders = cgroupsOf(pid);
  const [path, wanted] =
    cgroupMode() === "unified"
      ? [join(folders.get("") ?? "", "cgroup.freeze"), "1"]
      : [join(folders.get("freezer") ?? "", "freezer.state"), "FROZEN"];
  try {
    return fs.readFileSync(path, "latin1").trim() === wanted;
  } catch (error) {
    if (isSystemError(error, "ENOENT") || isSystemError(error, "ENODEV")) return false;
    throw error;
  }
}

/** Parses `/proc/PID/cgroup` (cgroups(7)): `ID:CONTROLLERS:PATH`. */
export function parseCgroups(text: string, machine: CgroupMode): CgroupFolders {
  const folders = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers === "") {
      const top = machine === "unified" ? mountPoint : join(mountPoint, "unified");
      folders.set("", join(top, path));
      continue;
    }
    for (const controller of controllers.split(",")) {
      const name = controller.replace(/^name=/, "");
      folders.set(name, join(mountPoint, mountedAs(name, controllers), path));
    }
  }
  return folders;
}

/** Controllers that share a tree are mounted under both names, mostly. */
function mountedAs(name: string, controllers: string): string {
  if (fs.existsSync(join(mountPoint, name))) return name;
  return controllers.replace(/^name=/, "");
}

/**
 * Removes what is left of a container's cgroup, where a runtime died before it could: kills what
 * still runs in it and removes its folders.
 *
 * @param path `linux.cgroupsPath`
 */
export async function removeCgroup(path: string): Promise<void> {
  const folders = findFolders(path).filter((folder) => fs.existsSync(folder));
  if (folders.length === 0) return;
  for (const folder of folders) killAll(folder);
  for (const folder of folders) await removeFolder(folder);
}

function findFolders(path: string): string[] {
  const [slice, prefix, id] = path.split(":");
  if (slice !== undefined && prefix !== undefined && id !== undefined) {
    return [join(mountPoint, slicePath(slice), `${prefix}-${id}.scope`)];
  }
  if (cgroupMode() === "unified") return [join(mountPoint, path)];
  const trees = fs.readdirSync(mountPoint).map((name) => join(mountPoint, name));
  // The runtime puts a container below its own group in each tree, but for absolute paths.
  return trees.map((tree) => join(tree, path));
}

/** `a-b.slice` lies in `a.slice`. */
function slicePath(slice: string): string {
  const parts = slice.replace(/\.slice$/, "").split("-");
  return parts.map((_, end) => `${parts.slice(0, end + 1).join("-")}.slice`).join("/");
}

function killAll(folder: string): void {
  let text = "";
  try {
    text = fs.readFileSync(join(folder, "cgroup.procs"), "utf8");
  } catch {
    return;
  }
  for (const line of text.split("\n").filter(Boolean)) {
    try {
      process.kill(Number(line), "SIGKILL");
    } catch {
      // Already gone.
    }
  }
}

const removeTries = 50;
const removePauseMs = 10;

async function removeFolder(folder: string): Promise<void> {
  for (let tries = 0; tries < removeTries; tries++) {
    try {
      for (const inner of subfolders(folder)) await removeFolder(inner);
      fs.rmdirSync(folder);
      return;
    } catch (error) {
      if (isSystemError(error, "ENOENT")) return;
      // A killed process leaves its group a moment later, and nothing tells when.
      if (!isSystemError(error, "EBUSY")) return;
      await new Promise((resolve) => setTimeout(resolve, removePauseMs));
    }
  }
}

function subfolders(folder: string): string[] {
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
}
