// SPDX-License-Identifier: Apache-2.0

/**
 * Which file goes where in a copy, by Docker's rules, which are those of cp(1) and rsync(1) mixed.
 *
 * Source: github.com/moby/go-archive (copy.go) and docker/cli (cli/command/container/cp.go).
 */

import { posix } from "node:path";
import { ExitStatus } from "../exit-status.ts";

/** One end of a copy. */
export interface CopyEnd {
  /** With the slash or `/.` that was given at its end. */
  readonly path: string;
  readonly exists: boolean;
  readonly isFolder: boolean;
  /** What it is called in place of its path's last name. */
  readonly rebaseName: string;
}

/** Splits `CONTAINER:PATH`; what starts with a slash or a dot is a path of this machine. */
export function splitCopyArgument(text: string): {
  readonly container: string;
  readonly path: string;
} {
  const colon = text.indexOf(":");
  if (text.startsWith("/") || text.startsWith(".") || colon === -1) {
    return { container: "", path: text };
  }
  return { container: text.slice(0, colon), path: text.slice(colon + 1) };
}

function isCurrentFolder(path: string): boolean {
  return baseName(path) === ".";
}

/** Go's `filepath.Base`. */
function baseName(path: string): string {
  if (path === "") return ".";
  const trimmed = path.replace(/\/+$/, "");
  return trimmed === "" ? "/" : trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

/** Gives a path that was made anew the ending by which the user said that it is a folder. */
export function withEnding(path: string, original: string): string {
  let ended = path;
  if (!isCurrentFolder(path) && isCurrentFolder(original)) {
    ended += path.endsWith("/") ? "." : "/.";
  }
  return !ended.endsWith("/") && original.endsWith("/") ? `${ended}/` : ended;
}

/** The folder that a path lies in and its name there; that of `dir/.` is a dot. */
export function splitEntry(path: string): { readonly folder: string; readonly name: string } {
  const clean = posix.normalize(path).replace(/(.)\/$/, "$1");
  if (!isCurrentFolder(path)) return { folder: posix.dirname(clean), name: baseName(clean) };
  return { folder: clean, name: "." };
}

/** Where a symlink leads, and the name that is kept for it. */
export function followedEnd(
  path: string,
  target: string,
): { readonly path: string; readonly rebaseName: string } {
  const resolved = withEnding(target, path);
  const isRenamed = baseName(path) !== baseName(resolved);
  return { path: resolved, rebaseName: isRenamed ? baseName(path) : "" };
}

export interface CopyPlan {
  /** The folder to extract into. */
  readonly folder: string;
  /** What the first member of the tar is called. */
  readonly memberName: string;
}

/** @throws ExitStatus where one can't become the other */
export function planCopy(source: CopyEnd, destination: CopyEnd): CopyPlan {
  const { folder, name } = splitEntry(destination.path);
  if (destination.exists && destination.isFolder) {
    const own = source.rebaseName === "" ? splitEntry(source.path).name : source.rebaseName;
    return { folder: destination.path, memberName: own };
  }
  if (destination.exists && source.isFolder) throw new ExitStatus("cannot copy directory");
  const wantsFolder = destination.path.endsWith("/") || isCurrentFolder(destination.path);
  if (!destination.exists && !source.isFolder && wantsFolder) {
    throw new ExitStatus("no such directory");
  }
  return { folder, memberName: name };
}
