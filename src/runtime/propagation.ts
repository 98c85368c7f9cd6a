// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { LadeError } from "../base/errors.ts";
import type { SpecMount } from "./spec/input.ts";

interface SourceMount {
  readonly point: string;
  /** Such as `shared:1` and `master:2` (proc(5)). */
  readonly tags: readonly string[];
}

/**
 * Checks that mounts which are to share what is mounted below them can do so.
 *
 * @param mountInfo text in the form of /proc/self/mountinfo
 * @throws LadeError CONTAINER_INVALID in Docker's words
 */
export function checkPropagation(mounts: readonly SpecMount[], mountInfo = readMountInfo): void {
  for (const { source, propagation = "" } of mounts) {
    const kind = propagation.replace(/^r/, "");
    if (kind !== "shared" && kind !== "slave") continue;
    const mount = mountOf(fs.realpathSync(source), mountInfo());
    if (isShared(mount) || (kind === "slave" && isSlave(mount))) continue;
    const wanted = kind === "shared" ? "shared" : "shared or slave";
    throw new LadeError(
      "CONTAINER_INVALID",
      `path ${source} is mounted on ${mount.point} but it is not a ${wanted} mount`,
      { hint: `Make it one: mount --make-shared ${mount.point}` },
    );
  }
}

/** Whether a bind of this path can follow what is mounted and unmounted below it on the host. */
export function canFollowHost(source: string, mountInfo = readMountInfo): boolean {
  const mount = mountOf(fs.realpathSync(source), mountInfo());
  return isShared(mount) || isSlave(mount);
}

function isShared({ tags }: SourceMount): boolean {
  return tags.some((tag) => tag.startsWith("shared:"));
}

function isSlave({ tags }: SourceMount): boolean {
  return tags.some((tag) => tag.startsWith("master:"));
}

function readMountInfo(): string {
  return fs.readFileSync("/proc/self/mountinfo", "utf8");
}

/** The mount that a path lies on: the longest, and of several at one place the last. */
function mountOf(path: string, mountInfo: string): SourceMount {
  let found: SourceMount = { point: "/", tags: [] };
  for (const line of mountInfo.split("\n").filter(Boolean)) {
    const [, , , , escaped = "", , ...rest] = line.split(" ");
    const point = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const isAbove = path === point || path.startsWith(point === "/" ? "/" : `${point}/`);
    if (isAbove && point.length >= found.point.length) {
      found = { point, tags: rest.slice(0, rest.indexOf("-")) };
    }
  }
  return found;
}
