// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isSystemError, LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { listFolder, openAt, openBeneath, pathOnly, readLinkAt } from "../sys/file.ts";
import { type FileStatus, statusOf } from "../sys/status.ts";
import { getXattr, listXattrs } from "../sys/xattr.ts";
import { type ByteString, byteStringToText, toByteString } from "../tar/entry.ts";
import { type FolderNode, isPortableXattr, plainNode, type TreeNode } from "./tree.ts";

const folderFlags = fs.constants.O_RDONLY | fs.constants.O_DIRECTORY;

/**
 * Reads what an overlay's upper folder holds: a container's changes.
 *
 * The container may be running and change things meanwhile. Nothing is followed: each folder is
 * opened below the upper folder without symlinks, and what vanishes while it is looked at is left
 * out. Sockets are left out, as Docker does, and so are overlayfs's own attributes.
 *
 * @param upperFd the open upper folder
 * @throws LadeError LIMIT_EXCEEDED for folders nested deeper than layers may be; SystemError
 */
export function scanUpper(upperFd: number): FolderNode {
  const root = folderNode(statusOf(upperFd), overlayFacts(upperFd));
  const links = new Map<string, TreeNode>();
  const folders: { readonly path: ByteString; readonly node: FolderNode; depth: number }[] = [
    { path: "", node: root, depth: 0 },
  ];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const { path, node, depth } = next;
    checkDepth(path, depth);
    readFolder(upperFd, path, (fd, name) => {
      const child = readChild(fd, name, links);
      if (child === undefined) return;
      node.children.set(name, child);
      if (child.children === undefined) return;
      const childPath = path === "" ? name : `${path}/${name}`;
      folders.push({ path: childPath, node: child as FolderNode, depth: depth + 1 });
    });
  }
  return root;
}

function checkDepth(path: ByteString, depth: number): void {
  if (depth <= limits.pathDepth && path.length <= limits.pathSize) return;
  throw new LadeError(
    "LIMIT_EXCEEDED",
    `${byteStringToText(path.slice(0, 40))}…: ${depth} folders deep, expected at most ${limits.pathDepth}, and ${limits.pathSize} bytes of name`,
  );
}

function readFolder(
  upperFd: number,
  path: ByteString,
  onName: (fd: number, name: ByteString) => void,
): void {
  let fd: number;
  try {
    fd = path === "" ? upperFd : openBeneath(upperFd, path, folderFlags);
  } catch (error) {
    if (isGone(error)) return;
    throw error;
  }
  try {
    for (const name of listFolder(fd)) onName(fd, name);
  } finally {
    if (fd !== upperFd) fs.closeSync(fd);
  }
}

/** What a running container may have done to a name since it was listed. */
export function isGone(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP", "EXDEV"].some((code) => isSystemError(error, code));
}

/**
 * What has a name now. All of its facts are asked of one open place: a container that swaps a
 * folder for a symlink between two questions would get an answer that mixes both, or an error.
 */
function readChild(
  folderFd: number,
  name: ByteString,
  links: Map<string, TreeNode>,
): TreeNode | undefined {
  let fd: number;
  try {
    fd = openAt(folderFd, name, pathOnly);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  try {
    return readNode(fd, links);
  } finally {
    fs.closeSync(fd);
  }
}

/** @param fd opened as a path only */
function readNode(fd: number, links: Map<string, TreeNode>): TreeNode | undefined {
  const status = statusOf(fd);
  if (status.type === "socket") return undefined;
  const key = `${status.device} ${status.inode}`;
  const isShared = status.links > 1 && status.type !== "directory";
  const known = isShared ? links.get(key) : undefined;
  if (known !== undefined) return known;
  const node = nodeOf(fd, status);
  if (isShared && node.type !== "whiteout") links.set(key, node);
  return node;
}

function nodeOf(fd: number, status: FileStatus): TreeNode {
  if (isWhiteoutDevice(status)) return { ...plainNode, type: "whiteout", mode: 0 };
  const facts = overlayFacts(fd);
  if (status.type === "directory") return folderNode(status, facts);
  if (facts.isWhiteout && status.type === "file" && status.size === 0) {
    return { ...plainNode, type: "whiteout", mode: 0 };
  }
  const isFile = status.type === "file";
  return {
    ...plainNode,
    type: status.type as Exclude<FileStatus["type"], "socket">,
    ...metadata(status),
    size: isFile ? status.size : 0,
    // readlinkat(2) with an empty name reads the link that the descriptor itself is of.
    linkPath: status.type === "symlink" ? toByteString(readLinkAt(fd, "")) : "",
    deviceMajor: status.deviceMajor,
    deviceMinor: status.deviceMinor,
    xattrs: facts.xattrs,
    isShared: status.links > 1,
    content: isFile ? { type: "upper", inode: status.inode } : undefined,
  };
}

function isWhiteoutDevice(status: FileStatus): boolean {
  return status.type === "character" && status.deviceMajor === 0 && status.deviceMinor === 0;
}

function folderNode(status: FileStatus, facts: OverlayFacts): FolderNode {
  const { xattrs, isOpaque } = facts;
  const own = { type: "directory", xattrs, isOpaque, children: new Map() } as const;
  return { ...plainNode, ...metadata(status), ...own };
}

function metadata(status: FileStatus) {
  return {
    mode: status.mode,
    uid: status.uid,
    gid: status.gid,
    mtimeSeconds: status.modified.seconds,
    mtimeNanoseconds: status.modified.nanoseconds,
  };
}

interface OverlayFacts {
  readonly xattrs: TreeNode["xattrs"];
  readonly isOpaque: boolean;
  readonly isWhiteout: boolean;
}

/** overlayfs's own attributes: `trusted` where root mounted it, `user` with its option `userxattr`. */
const ownPrefixes = ["trusted.overlay.", "user.overlay."];

function overlayFacts(fd: number): OverlayFacts {
  const xattrs: (readonly [ByteString, ByteString])[] = [];
  let isOpaque = false;
  let isWhiteout = false;
  for (const bytes of listXattrs(fd)) {
    const name = toByteString(bytes);
    const own = ownPrefixes.find((prefix) => name.startsWith(prefix));
    if (own !== undefined) {
      const word = name.slice(own.length);
      isOpaque ||= word === "opaque" && xattrText(fd, name) === "y";
      isWhiteout ||= word === "whiteout";
    } else if (isPortableXattr(name)) {
      const value = xattrText(fd, name);
      if (value !== undefined) xattrs.push([name, value]);
    }
  }
  return { xattrs: xattrs.sort(([a], [b]) => (a < b ? -1 : 1)), isOpaque, isWhiteout };
}

function xattrText(fd: number, name: ByteString): ByteString | undefined {
  const value = getXattr(fd, name);
  return value === undefined ? undefined : toByteString(value);
}
