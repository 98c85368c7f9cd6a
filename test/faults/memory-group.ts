// SPDX-License-Identifier: Apache-2.0

/** Control groups that limit memory: of version 1, or of version 2 where that has the controller. */

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export interface MemoryGroup extends AsyncDisposable {
  /** Words that put a command into the group. */
  readonly enter: readonly string[];
  /** How often the kernel had to kill something. */
  kills(): number;
  /** Bytes that all in it had at most. */
  peak(): number;
}

const rootV1 = "/sys/fs/cgroup/memory";
const rootV2 = "/sys/fs/cgroup";

/** @throws Error where the machine has no such controller, or lets nobody use it */
export function makeMemoryGroup(limit: number): MemoryGroup {
  const isV2 = existsSync(join(rootV2, "cgroup.controllers"));
  const name = `lade-faults-${process.pid}-${limit}`;
  const folder = join(isV2 ? rootV2 : rootV1, name);
  if (isV2) writeFileSync(join(rootV2, "cgroup.subtree_control"), "+memory");
  mkdirSync(folder);
  const file = (one: string) => join(folder, one);
  if (isV2) {
    writeFileSync(file("memory.max"), String(limit));
    if (existsSync(file("memory.swap.max"))) writeFileSync(file("memory.swap.max"), "0");
  } else {
    writeFileSync(file("memory.limit_in_bytes"), String(limit));
  }
  const script = `echo $$ > ${file("cgroup.procs")} && exec "$@"`;
  const events = file(isV2 ? "memory.events" : "memory.oom_control");
  const peak = file(isV2 ? "memory.peak" : "memory.max_usage_in_bytes");
  return {
    enter: ["/bin/sh", "-c", script, "sh"],
    kills: () => Number(/^oom_kill (\d+)/m.exec(readFileSync(events, "utf8"))?.[1] ?? Number.NaN),
    peak: () => (existsSync(peak) ? Number(readFileSync(peak, "utf8")) : Number.NaN),
    async [Symbol.asyncDispose]() {
      await removeFolder(folder);
    },
  };
}

/** The last process may still be on its way out. */
async function removeFolder(folder: string): Promise<void> {
  for (let left = 100; ; left--) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if (left === 0) throw error;
      await delay(50);
    }
  }
}
