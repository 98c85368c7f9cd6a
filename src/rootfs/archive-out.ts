// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { listFolder, openAt, pathOnly, readLinkAt } from "../sys/file.ts";
import { type FileStatus, statusOf } from "../sys/status.ts";
import { type ByteString, toByteString } from "../tar/entry.ts";
import { encodeMember, endOfArchive } from "../tar/writer.ts";
import { portableXattrs } from "./metadata.ts";
import type { FoundPath, RootView } from "./resolve.ts";
import type { TarPart } from "./tar-stream.ts";
import { compareNames, plainNode, type TreeNode } from "./tree.ts";
import { contentParts, linkMember, memberOf, shrunk } from "./tree-tar.ts";
import { isGone } from "./upper.ts";

/**
 * A tar of what was found in a container: a file by itself, or a folder with all that is in it.
 *
 * Nothing is followed, and only plain files are opened. Sockets are left out, and what a running
 * container removes meanwhile. Times are whole seconds, as in Docker's tars, whose sizes `cp` tells.
 *
 * Source: `FileInfoHeaderNoLookups` of moby/go-archive.
 *
 * @param name what the first member is called, and before the slash all that is in it
 */
export function* archiveParts(
  view: RootView,
  found: FoundPath,
  name: ByteString,
): Generator<TarPart> {
  const walk: Walk = { view, names: new Map() };
  const { fd, status } = found;
  const self: Place = { fd, status, virtual: found.path, isOwn: false };
  yield* placeParts(walk, self, name);
  yield { type: "bytes", bytes: endOfArchive };
}

interface Walk {
  readonly view: RootView;
  /** Where the first name of a file with several is. */
  readonly names: Map<string, ByteString>;
}

interface Place {
  /** Opened as a path. */
  readonly fd: number;
  readonly status: FileStatus;
  /** Its path in the view. */
  readonly virtual: ByteString;
  readonly isOwn: boolean;
}

function* placeParts(walk: Walk, place: Place, path: ByteString): Generator<TarPart> {
  const { status, fd } = place;
  if (status.type === "socket") return;
  const isShared = status.links > 1 && status.type !== "directory";
  const key = `${status.device} ${status.inode}`;
  const first = isShared ? walk.names.get(key) : undefined;
  const node = nodeOf(place);
  if (first !== undefined) {
    yield { type: "bytes", bytes: encodeMember(linkMember(path, node, first)) };
    return;
  }
  if (isShared) walk.names.set(key, path);
  if (status.type === "file") yield* fileParts(fd, { path, node });
  else yield header(path, node, 0);
  if (status.type === "directory") yield* folderParts(walk, place, path);
}

function nodeOf({ fd, status }: Place): TreeNode {
  const { type, mode, uid, gid, modified, deviceMajor, deviceMinor } = status;
  return {
    ...plainNode,
    mtimeSeconds: modified.seconds,
    mtimeNanoseconds: 0,
    type: type as Exclude<typeof type, "socket">,
    mode,
    uid,
    gid,
    deviceMajor,
    deviceMinor,
    linkPath: type === "symlink" ? toByteString(readLinkAt(fd, "")) : "",
    xattrs: portableXattrs(fd),
  };
}

function header(path: ByteString, node: TreeNode, size: number): TarPart {
  return { type: "bytes", bytes: encodeMember(memberOf(path, node, size)) };
}

/** Opens what is known to be a plain file: by its own descriptor, it can't become another. */
function* fileParts(
  pathFd: number,
  file: { readonly path: ByteString; readonly node: TreeNode },
): Generator<TarPart> {
  const fd = fs.openSync(`/proc/self/fd/${pathFd}`, "r");
  try {
    const status = statusOf(fd);
    yield header(file.path, file.node, status.size);
    yield* contentParts(fd, status, () => shrunk(file.path));
  } finally {
    fs.closeSync(fd);
  }
}

const folderFlags = fs.constants.O_RDONLY | fs.constants.O_DIRECTORY;

function* folderParts(walk: Walk, place: Place, path: ByteString): Generator<TarPart> {
  const fd = fs.openSync(`/proc/self/fd/${place.fd}`, folderFlags);
  const virtual = place.virtual === "/" ? "" : place.virtual;
  try {
    const names = new Set(listFolder(fd));
    for (const mounted of walk.view.mounts.keys()) {
      const slash = mounted.lastIndexOf("/");
      if (mounted.slice(0, slash) === virtual) names.add(mounted.slice(slash + 1));
    }
    for (const name of [...names].sort(compareNames)) {
      const child = openChild(walk.view, fd, { name, virtual: `${virtual}/${name}` });
      if (child === undefined) continue;
      try {
        yield* placeParts(walk, child, path === "" ? name : `${path}/${name}`);
      } finally {
        if (child.isOwn) fs.closeSync(child.fd);
      }
    }
  } finally {
    fs.closeSync(fd);
  }
}

function openChild(
  view: RootView,
  folder: number,
  at: { readonly name: ByteString; readonly virtual: ByteString },
): Place | undefined {
  const { name, virtual } = at;
  const mounted = view.mounts.get(virtual);
  if (mounted !== undefined) {
    return { fd: mounted, status: statusOf(mounted), virtual, isOwn: false };
  }
  let fd: number;
  try {
    fd = openAt(folder, name, pathOnly);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  return { fd, status: statusOf(fd), virtual, isOwn: true };
}
