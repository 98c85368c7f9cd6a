// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import * as os from "node:os";
import { isSystemError } from "../base/errors.ts";
import { systemError } from "../sys/errno.ts";
import { openAt, pathOnly, readLinkAt } from "../sys/file.ts";
import { type FileStatus, statusOf } from "../sys/status.ts";
import { type ByteString, toByteString } from "../tar/entry.ts";

/** A container's file system, as its processes would see it. */
export interface RootView {
  /** The open root folder. */
  readonly rootFd: number;
  /**
   * What lies at paths where the root itself shows something else: volumes of a container that does
   * not run. By absolute path, without a slash behind; each an open path.
   */
  readonly mounts: ReadonlyMap<ByteString, number>;
}

/** A place in a view, held open: whatever moves there afterwards, it stays what was found. */
export interface FoundPath extends Disposable {
  /** Opened as a path only. */
  readonly fd: number;
  readonly status: FileStatus;
  /** Absolute, through no symlink and without `.` and `..`. */
  readonly path: ByteString;
}

/** MAXSYMLINKS of Go's path resolution, which Docker uses. */
const maxLinks = 255;

/**
 * Finds a path in a container, whose processes may change everything while this looks.
 *
 * Each name is opened by itself from the folder before it, symlinks are read and followed by hand,
 * and `..` goes back to what was open: nothing that the container does leads out of its root.
 *
 * @param options.followLast also a symlink at the end; one with a slash behind is always followed
 * @throws SystemError ENOENT, ENOTDIR, ELOOP
 */
export function findPath(
  view: RootView,
  path: ByteString,
  options: { readonly followLast: boolean },
): FoundPath {
  const walk = new PathWalk(view);
  try {
    walk.go(path, options.followLast);
    return walk.finish();
  } catch (error) {
    walk.close();
    throw error;
  }
}

/**
 * Where a path leads, as text, through all symlinks and as far as there is something.
 *
 * Source: `FollowSymlinkInScope` of moby (pkg/symlink).
 *
 * @throws SystemError ELOOP
 */
export function resolveText(view: RootView, path: ByteString): ByteString {
  const walk = new PathWalk(view);
  try {
    return walk.goFar(path);
  } finally {
    walk.close();
  }
}

interface Place {
  readonly fd: number;
  readonly path: ByteString;
  /** A descriptor of the view, which stays open. */
  readonly isBorrowed: boolean;
}

class PathWalk {
  readonly #view: RootView;
  /** The folders from the root to where the walk is, and last what was found. */
  readonly #places: Place[];
  #links = 0;

  constructor(view: RootView) {
    this.#view = view;
    this.#places = [{ fd: view.rootFd, path: "", isBorrowed: true }];
  }

  go(path: ByteString, followLast: boolean): void {
    const rest = path.split("/").reverse();
    const mustBeFolder = rest[0] === "" || rest[0] === "." || rest[0] === "..";
    for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        this.#back();
        continue;
      }
      const isLast = rest.every((part) => part === "" || part === ".");
      this.#step(name);
      const follows = !isLast || followLast || rest.length > 0;
      const target = follows ? this.#linkTarget() : undefined;
      if (target !== undefined) rest.push(...this.#follow(target));
      else if (!isLast) this.#requireFolder();
    }
    if (mustBeFolder) this.#requireFolder();
  }

  goFar(path: ByteString): ByteString {
    const rest = path.split("/").reverse();
    /** Names behind the first that is not there. */
    const beyond: ByteString[] = [];
    for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        if (beyond.pop() === undefined) this.#back();
        continue;
      }
      if (beyond.length > 0 || !this.#tryStep(name)) {
        beyond.push(name);
        continue;
      }
      const target = this.#linkTarget();
      if (target !== undefined) rest.push(...this.#follow(target));
    }
    return [this.#top().path, ...beyond].join("/") || "/";
  }

  /** Gives away what was found; all else is closed. */
  finish(): FoundPath {
    const found = this.#top();
    // What belongs to the view stays open, so the caller gets a descriptor of its own.
    const fd = found.isBorrowed ? reopen(found.fd) : found.fd;
    if (!found.isBorrowed) this.#places.pop();
    this.close();
    const path = found.path === "" ? "/" : found.path;
    return { fd, path, status: statusOf(fd), [Symbol.dispose]: () => fs.closeSync(fd) };
  }

  close(): void {
    for (const { fd, isBorrowed } of this.#places.splice(0)) if (!isBorrowed) fs.closeSync(fd);
  }

  #top(): Place {
    return this.#places.at(-1) as Place;
  }

  #back(): void {
    if (this.#places.length === 1) return;
    const { fd, isBorrowed } = this.#places.pop() as Place;
    if (!isBorrowed) fs.closeSync(fd);
  }

  #step(name: ByteString): void {
    const { fd: folder, path } = this.#top();
    const next = `${path}/${name}`;
    const mounted = this.#view.mounts.get(next);
    const fd = mounted ?? openAt(folder, name, pathOnly);
    this.#places.push({ fd, path: next, isBorrowed: mounted !== undefined });
  }

  /** @returns false where there is no such name, or no folder to look in */
  #tryStep(name: ByteString): boolean {
    try {
      this.#step(name);
      return true;
    } catch (error) {
      if (isSystemError(error, "ENOENT") || isSystemError(error, "ENOTDIR")) return false;
      throw error;
    }
  }

  /** The target of a symlink that the walk has reached; undefined for all else. */
  #linkTarget(): ByteString | undefined {
    const { fd, path } = this.#top();
    if (statusOf(fd).type !== "symlink") return undefined;
    if (++this.#links > maxLinks) throw failure("ELOOP", path);
    return toByteString(readLinkAt(fd, ""));
  }

  /** Goes back to where a symlink's target starts, and gives its names, last first. */
  #follow(target: ByteString): ByteString[] {
    this.#back();
    if (target.startsWith("/")) while (this.#places.length > 1) this.#back();
    return target.split("/").reverse();
  }

  #requireFolder(): void {
    const { fd, path } = this.#top();
    if (statusOf(fd).type !== "directory") throw failure("ENOTDIR", path);
  }
}

function failure(code: "ELOOP" | "ENOTDIR", path: ByteString): Error {
  const name = Buffer.from(`${path}\0`, "latin1");
  return systemError(os.constants.errno[code], { syscall: "open", path: name });
}

/** The link leads to what is open, whatever it is and wherever it has gone. */
function reopen(fd: number): number {
  return fs.openSync(`/proc/self/fd/${fd}`, pathOnly);
}
