// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";

export interface Process {
  readonly pid: number;
  readonly command: string;
}

/** Processes that have a path in their words or their environment. */
export function processesWith(path: string): Process[] {
  return fs.readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const command = fs.readFileSync(`/proc/${name}/cmdline`, "latin1").replaceAll("\0", " ");
      const environment = fs.readFileSync(`/proc/${name}/environ`, "latin1");
      const isOurs = command.includes(path) || environment.includes(path);
      return isOurs ? [{ pid: Number(name), command }] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

/** For when a run is given up: all that it started ends. */
export function endProcesses(folder: string): void {
  for (const { pid } of processesWith(folder)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}
