// SPDX-License-Identifier: Apache-2.0

import type { ByteString } from "../tar/entry.ts";
import { compareNames, type FolderNode, isFolder, type TreeNode } from "./tree.ts";

export interface TreeChange {
  /** Below the root, without a leading slash. */
  readonly path: ByteString;
  readonly kind: "changed" | "added" | "deleted";
}

/**
 * What a container changed, as Docker tells it: in the order of paths, a folder before what is in
 * it, also where only something in it changed.
 *
 * What was opened for writing and is as it was before is no change; neither is a folder's time.
 *
 * Source: `FileInfo.addChanges` of moby (pkg/archive/changes.go).
 *
 * @param lower what was there before
 * @param upper what the upper folder holds, with whiteouts
 */
export function compareTrees(lower: FolderNode, upper: FolderNode): TreeChange[] {
  return folderChanges(lower, upper, "");
}

/** @param lower undefined for a folder that is new */
function folderChanges(
  lower: TreeNode | undefined,
  upper: FolderNode,
  prefix: ByteString,
): TreeChange[] {
  const before = isFolder(lower) ? lower.children : new Map<ByteString, TreeNode>();
  const names = new Set(upper.children.keys());
  if (upper.isOpaque) for (const name of before.keys()) names.add(name);
  const changes: TreeChange[] = [];
  for (const name of [...names].sort(compareNames)) {
    const path = `${prefix}${name}`;
    const old = before.get(name);
    const node = upper.children.get(name);
    if (node === undefined || node.type === "whiteout") {
      if (old !== undefined) changes.push({ path, kind: "deleted" });
      continue;
    }
    const inside = isFolder(node) ? folderChanges(old, node, `${path}/`) : [];
    if (old === undefined) changes.push({ path, kind: "added" });
    else if (inside.length > 0 || isDifferent(old, node)) changes.push({ path, kind: "changed" });
    for (const change of inside) changes.push(change);
  }
  return changes;
}

/** Source: `statDifferent` of moby (pkg/archive/changes_unix.go). */
function isDifferent(old: TreeNode, node: TreeNode): boolean {
  if (old.type !== node.type || old.mode !== node.mode) return true;
  if (old.uid !== node.uid || old.gid !== node.gid) return true;
  if (old.deviceMajor !== node.deviceMajor || old.deviceMinor !== node.deviceMinor) return true;
  if (capabilityOf(old) !== capabilityOf(node)) return true;
  if (isFolder(node)) return false;
  return old.size !== node.size || old.linkPath !== node.linkPath || !isSameTime(old, node);
}

/** A layer's tar may hold whole seconds only. */
function isSameTime(old: TreeNode, node: TreeNode): boolean {
  if (old.mtimeSeconds !== node.mtimeSeconds) return false;
  const [a, b] = [old.mtimeNanoseconds, node.mtimeNanoseconds];
  return a === b || a === 0 || b === 0;
}

function capabilityOf(node: TreeNode): ByteString | undefined {
  return node.xattrs.find(([name]) => name === "security.capability")?.[1];
}
