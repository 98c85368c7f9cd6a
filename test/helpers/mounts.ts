// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";

/**
 * The mount points at or below a folder, as a `mountinfo` table has them, last mounted first.
 *
 * @param mountinfo text in the form of /proc/self/mountinfo (proc(5))
 */
export function mountsBelow(mountinfo: string, folder: string): string[] {
  const points: string[] = [];
  for (const line of mountinfo.split("\n")) {
    const escaped = line.split(" ")[4];
    if (escaped === undefined) continue;
    const point = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    if (point === folder || point.startsWith(`${folder}/`)) points.unshift(point);
  }
  return points;
}

/**
 * Unmounts all that is mounted at or below a folder, so that removing the folder removes nothing
 * of what was mounted. Synchronous, for use while the process exits.
 */
export function unmountBelow(folder: string): void {
  let real: string;
  try {
    real = realpathSync(folder);
  } catch {
    return;
  }
  for (const point of mountsBelow(readFileSync("/proc/self/mountinfo", "utf8"), real)) {
    spawnSync("umount", ["--lazy", "--no-canonicalize", point], { stdio: "ignore" });
  }
}
