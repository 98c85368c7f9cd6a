// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cgroupMode, cgroupsOf } from "./cgroup.ts";

/** The cgroup of all monitors, on machines whose cgroups end with the services they belong to. */
const monitorsName = "lade-monitors";

/**
 * Moves a monitor out of the cgroup of the command that started it: where that belongs to a service
 * or a session, systemd would end the monitor together with it, and the container would be alone.
 *
 * Does nothing where there is no systemd, or where the monitor is in no such group.
 *
 * @param hasSystemd whether systemd runs here, as sd_booted(3) tells
 */
export async function leaveCallersCgroup(
  pid: number,
  hasSystemd: boolean = fs.existsSync("/run/systemd/system"),
): Promise<void> {
  if (!hasSystemd) return;
  const isUnified = cgroupMode() === "unified";
  const top = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/systemd";
  const own = cgroupsOf(pid).get(isUnified ? "" : "systemd");
  const folder = join(top, monitorsName);
  if (own === undefined || [top, `${top}/`, folder].includes(own)) return;
  await mkdir(folder, { recursive: true });
  await appendFile(join(folder, "cgroup.procs"), String(pid));
}
