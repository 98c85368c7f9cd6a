// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";

/** What docker puts into each container's file system, and the folders that it changes by that. */
const dockersOwn =
  /^(?:\.dockerenv|dev(?:\/.*)?|proc|sys|etc|etc\/(?:hostname|hosts|mtab|resolv\.conf))$/;

/**
 * A line for each file below a folder, in order: path, kind, mode, owner, and size and digest of a
 * file, target of a symlink or number of a device. Hard links show in the count of links.
 */
export function treeOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !dockersOwn.test(name))
    .toSorted()
    .map((name) => lineOf(folder, name));
}

function lineOf(folder: string, name: string): string {
  const path = join(folder, name);
  const stat = lstatSync(path);
  const owner = `${stat.uid}:${stat.gid}`;
  return `${name} ${stat.mode.toString(8)} ${owner} ${detailOf(path, stat)}`;
}

function detailOf(path: string, stat: Stats): string {
  // Docker makes 1970 of any time before.
  const mtime = Math.max(0, Math.floor(stat.mtimeMs / 1000));
  if (stat.isFile()) {
    const digest = createHash("sha256").update(readFileSync(path)).digest("hex");
    return `${stat.size} ${digest} links ${stat.nlink} ${mtime}`;
  }
  if (stat.isSymbolicLink()) return `-> ${readlinkSync(path)}`;
  if (stat.isBlockDevice() || stat.isCharacterDevice()) return `device ${stat.rdev} ${mtime}`;
  return "";
}
