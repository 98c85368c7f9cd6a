// SPDX-License-Identifier: Apache-2.0

/** Owner, mode, xattrs and times of an unpacked file, in the order in which none undoes another. */

import * as fs from "node:fs";
import { isSystemError } from "../base/errors.ts";
import type { LayerTree } from "../erofs/layer-tree.ts";
import { modeTypes, typeOfMode } from "../erofs/node-table.ts";
import * as file from "../sys/file.ts";
import { setXattr, type XattrTarget } from "../sys/xattr.ts";
import type { ByteString } from "../tar/entry.ts";

/** A file that is open. */
export function describeFile(tree: LayerTree, node: number, fd: number): void {
  const { nodes } = tree;
  // A new owner takes setuid bits and capabilities away, so both come after it.
  fs.fchownSync(fd, nodes.uid[node] as number, nodes.gid[node] as number);
  setXattrs(tree, node, fd);
  fs.fchmodSync(fd, permissions(tree, node));
  file.setTimes(fd, times(tree, node));
}

/** A folder that is open and full: whatever is made in it changes its time. */
export function describeFolder(tree: LayerTree, node: number, fd: number): void {
  if (tree.opaque.has(node)) setXattr(fd, "trusted.overlay.opaque", Buffer.from("y"));
  describeFile(tree, node, fd);
}

/** What can't be opened without effects: symlinks, devices, fifos. */
export function describeName(tree: LayerTree, node: number, dirFd: number, name: ByteString): void {
  const { nodes } = tree;
  file.changeOwnerAt(dirFd, name, nodes.uid[node] as number, nodes.gid[node] as number);
  const prefix = Buffer.from(`/proc/self/fd/${dirFd}/`);
  setXattrs(tree, node, Buffer.concat([prefix, Buffer.from(name, "latin1")]));
  const isSymlink = typeOfMode(nodes.mode[node] as number) === modeTypes.symlink;
  if (!isSymlink) file.changeModeAt(dirFd, name, permissions(tree, node));
  file.setTimesAt(dirFd, name, times(tree, node));
}

function setXattrs(tree: LayerTree, node: number, target: XattrTarget): void {
  const list = tree.nodes.xattrs[node] as number;
  if (list === 0) return;
  for (const [name, value] of tree.xattrs[list - 1] ?? []) {
    try {
      setXattr(target, name, Buffer.from(value, "latin1"));
    } catch (error) {
      // As Docker: a file system without attributes still holds the files.
      if (!isSystemError(error, "ENOTSUP")) throw error;
    }
  }
}

function permissions({ nodes }: LayerTree, node: number): number {
  const mode = nodes.mode[node] as number;
  return mode - typeOfMode(mode);
}

function times({ nodes }: LayerTree, node: number): file.FileTimes {
  const modified = {
    seconds: nodes.mtimeSeconds[node] as number,
    nanoseconds: nodes.mtimeNanoseconds[node] as number,
  };
  return { accessed: modified, modified };
}
