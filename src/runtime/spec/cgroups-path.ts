// SPDX-License-Identifier: Apache-2.0

import { posix } from "node:path";

/**
 * Where a runtime is to put a container, in the form that `linux.cgroupsPath` has.
 *
 * @param parent `--cgroup-parent`; empty for lade's own
 */
export function cgroupsPath(id: string, parent: string, usesSystemd: boolean): string {
  if (usesSystemd) return `${parent || "system.slice"}:lade:${id}`;
  return posix.join("/", parent || "lade", id);
}
