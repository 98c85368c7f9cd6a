// SPDX-License-Identifier: Apache-2.0

/**
 * A `/var` of this process's own, for tools that may change the machine's: podman 4.3 puts an
 * archive's member `..` in the place of `/var/tmp`, with all that is in there.
 */

import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";

export interface ShelteredVar extends Disposable {
  /** Whether the folder of temporary files is what it was; makes it so again. */
  isWhole(): boolean;
}

const temporary = "/var/tmp";
const kept = `${temporary}/kept`;

/**
 * Mounts it over the machine's, for this mount namespace.
 *
 * @throws Error in the machine's own namespace
 */
export function shelterVar(): ShelteredVar {
  if (process.env.LADE_FAULTS_NAMESPACE === undefined) {
    throw new Error("the machine's own mount namespace");
  }
  execFileSync("mount", ["-t", "tmpfs", "-o", "mode=0755", "sheltered", "/var"]);
  mkdirSync("/var/lib");
  symlinkSync("/run", "/var/run");
  makeTemporary();
  return {
    isWhole() {
      const isThere = lstatSync(temporary).isDirectory() && existsSync(kept);
      if (!isThere) {
        rmSync(temporary, { recursive: true, force: true });
        makeTemporary();
      }
      return isThere;
    },
    [Symbol.dispose]() {
      execFileSync("umount", ["-l", "/var"]);
    },
  };
}

function makeTemporary(): void {
  mkdirSync(temporary, { mode: 0o1777 });
  writeFileSync(kept, "");
}
