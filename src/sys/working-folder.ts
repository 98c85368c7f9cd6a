// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { libcCalls } from "./calls.ts";
import { checkCall } from "./errno.ts";
import { closeOnExec, pathOnly } from "./file.ts";

// CLONE_FS of <linux/sched.h>.
const ownWorkingFolder = 0x200;

/**
 * Does some work with a folder as the working folder of this thread alone, for system calls that
 * have no room for long paths.
 *
 * From then on this thread keeps its working folder apart from other threads', whose relative
 * paths mean what they meant before; lade changes the process's folder nowhere else.
 *
 * @param work synchronous
 */
export function inFolder<T>(folder: string, work: () => T): T {
  const flags = pathOnly | closeOnExec | fs.constants.O_DIRECTORY;
  const calls = libcCalls();
  const back = fs.openSync(".", flags);
  try {
    const there = fs.openSync(folder, flags);
    try {
      checkCall(calls.unshare(ownWorkingFolder), { syscall: "unshare" });
      checkCall(calls.fchdir(there), { syscall: "fchdir", path: folder });
      return work();
    } finally {
      fs.closeSync(there);
      checkCall(calls.fchdir(back), { syscall: "fchdir" });
    }
  } finally {
    fs.closeSync(back);
  }
}
