// SPDX-License-Identifier: Apache-2.0

import type { ByteString, SparseRun, TarEntryType } from "../tar/entry.ts";

/** A file's own bytes inside a layer's tar. */
export interface TarContent {
  readonly type: "tar";
  /** Which layer, from 0 for the lowest. */
  readonly layer: number;
  /** Where the stored bytes begin in the layer's tar. */
  readonly offset: number;
  readonly storedSize: number;
  readonly sparse: readonly SparseRun[] | undefined;
}

/** A file that lies in a container's upper folder, under the same path. */
export interface UpperContent {
  readonly type: "upper";
  readonly inode: bigint;
}

/**
 * A file, folder, link or device of a tree; one object under several names is a hard link.
 *
 * A `whiteout` hides what layers below have under its name.
 */
export interface TreeNode {
  readonly type: Exclude<TarEntryType, "hardlink"> | "whiteout";
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** Bytes of a file as a reader sees them; 0 for all else. */
  readonly size: number;
  /** Target of a symlink, else empty. */
  readonly linkPath: ByteString;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Those that may leave the machine, in order of their names. */
  readonly xattrs: readonly (readonly [name: ByteString, value: ByteString])[];
  /** Where a file's bytes are; undefined for all else and for empty files of lade's own. */
  readonly content: TarContent | UpperContent | undefined;
  /** It may have several names. */
  readonly isShared: boolean;
  /** A folder that hides the whole folder below it. */
  readonly isOpaque: boolean;
  /** By name, in no order; undefined for what is no folder. */
  readonly children: Map<ByteString, TreeNode> | undefined;
}

export interface FolderNode extends TreeNode {
  readonly type: "directory";
  readonly children: Map<ByteString, TreeNode>;
}

export function isFolder(node: TreeNode | undefined): node is FolderNode {
  return node?.type === "directory";
}

/** A node with nothing but its type: owner root, no times, no bytes. */
export const plainNode: Omit<TreeNode, "type" | "mode"> = {
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  mtimeNanoseconds: 0,
  size: 0,
  linkPath: "",
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: [],
  content: undefined,
  isShared: false,
  isOpaque: false,
  children: undefined,
};

export function plainFolder(): FolderNode {
  return { ...plainNode, type: "directory", mode: 0o755, children: new Map() };
}

/** Compares names as bytes, which is Docker's order, too. */
export function compareNames(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A folder's children in the order of their names. */
export function sortedChildren(folder: TreeNode): readonly (readonly [ByteString, TreeNode])[] {
  const children = [...(folder.children ?? [])];
  return isSorted(children) ? children : children.sort(([a], [b]) => compareNames(a, b));
}

/** Most tars are made in order. */
function isSorted(children: readonly (readonly [ByteString, TreeNode])[]): boolean {
  let last = "";
  for (const [name] of children) {
    if (name < last) return false;
    last = name;
  }
  return true;
}

/** What a walk sees. */
export interface PlacedNode {
  /** Below the root, without a leading slash. */
  readonly path: ByteString;
  readonly node: TreeNode;
}

/** All below a folder, folders before what they hold, in the order of names. */
export function* walkTree(folder: TreeNode, prefix: ByteString = ""): Generator<PlacedNode> {
  // A stack of our own: layers may nest a thousand folders.
  const stack = [sortedChildren(folder).values()];
  const prefixes = [prefix];
  while (stack.length > 0) {
    const next = (stack.at(-1) as IteratorObject<readonly [ByteString, TreeNode]>).next();
    if (next.done === true) {
      stack.pop();
      prefixes.pop();
      continue;
    }
    const [name, node] = next.value;
    const path = `${prefixes.at(-1)}${name}`;
    yield { path, node };
    if (node.children === undefined) continue;
    stack.push(sortedChildren(node).values());
    prefixes.push(`${path}/`);
  }
}

/** Finds a path below a folder, by names only: symlinks are not followed. */
export function nodeAt(folder: TreeNode, path: ByteString): TreeNode | undefined {
  let node: TreeNode | undefined = folder;
  for (const name of path.split("/")) {
    if (name !== "") node = node?.children?.get(name);
  }
  return node;
}

const portableSecurity = "security.capability";
const portablePrefixes = ["user.", "system.posix_acl_"];

/**
 * Whether an extended attribute belongs to the file and not to the machine: overlayfs's own
 * (`trusted.overlay.*`), labels of SELinux and signatures of IMA stay where they are.
 */
export function isPortableXattr(name: ByteString): boolean {
  return name === portableSecurity || portablePrefixes.some((prefix) => name.startsWith(prefix));
}
