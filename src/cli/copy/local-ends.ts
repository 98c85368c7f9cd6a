// SPDX-License-Identifier: Apache-2.0

import { lstatSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { posix, resolve } from "node:path";
import { isSystemError, messageOf } from "../../base/errors.ts";
import { goQuote } from "../../spec/go-quote.ts";
import { ExitStatus } from "../exit-status.ts";
import { type CopyEnd, followedEnd, splitEntry, withEnding } from "./copy-paths.ts";

/** The absolute path, with the ending that was given. */
export function absolutePath(path: string): string {
  return withEnding(resolve(path), path);
}

const texts: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  ELOOP: "too many levels of symbolic links",
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
};

/** Go's text for a path that can't be looked at. */
function pathFault(error: unknown, call: string, path: string): ExitStatus {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return new ExitStatus(`${call} ${path}: ${texts[code] ?? messageOf(error)}`, undefined, error);
}

function statOrFail(path: string): Stats {
  try {
    return lstatSync(path);
  } catch (error) {
    throw pathFault(error, "lstat", path);
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw pathFault(error, "lstat", path);
  }
}

/**
 * What is to be copied.
 *
 * @param path as {@link absolutePath} gives it
 * @throws ExitStatus where there is no such thing
 */
export function localSource(path: string, followsLink: boolean): CopyEnd {
  if (followsLink) {
    const end = followedEnd(path, realPath(path));
    const isFolder = statOrFail(end.path).isDirectory();
    return { ...end, exists: true, isFolder };
  }
  const slash = path.replace(/\/+$/, "").lastIndexOf("/");
  const folder = path.slice(0, Math.max(0, slash)) || "/";
  const real = realPath(folder);
  const resolved = `${real === "/" ? "" : real}/${path.slice(slash + 1)}`;
  return {
    path: resolved,
    exists: true,
    isFolder: statOrFail(resolved).isDirectory(),
    rebaseName: "",
  };
}

const maxLinks = 10;

/**
 * Where something is to go; symlinks are followed, also to what is not there yet.
 *
 * @param path as {@link absolutePath} gives it
 * @throws ExitStatus where the folder that it would lie in is not there
 */
export function localDestination(path: string): CopyEnd {
  let current = path;
  for (let count = 0; ; count++) {
    const stats = lstatIfThere(current);
    if (stats === undefined) return missingDestination(current);
    if (!stats.isSymbolicLink()) {
      return { path: current, exists: true, isFolder: stats.isDirectory(), rebaseName: "" };
    }
    if (count > maxLinks) throw new ExitStatus(`too many symlinks in ${path}`);
    current = resolve(splitEntry(current).folder, readlinkSync(current));
  }
}

function lstatIfThere(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw pathFault(error, "lstat", path);
  }
}

function missingDestination(path: string): CopyEnd {
  const { folder } = splitEntry(path);
  try {
    if (!statSync(folder).isDirectory()) throw new ExitStatus("not a directory");
  } catch (error) {
    if (error instanceof ExitStatus) throw error;
    throw pathFault(error, "stat", folder);
  }
  return { path, exists: false, isFolder: false, rebaseName: "" };
}

/** @throws ExitStatus for a place that nothing can be written to */
export function checkOutputPath(path: string): void {
  const folder = posix.dirname(posix.normalize(path).replace(/(.)\/$/, "$1"));
  if (folder !== "." && statSync(folder, { throwIfNoEntry: false }) === undefined) {
    throw new ExitStatus(`invalid output path: directory ${goQuote(folder)} does not exist`);
  }
  const stats = statIfThere(path);
  if (stats?.isBlockDevice() === true || stats?.isCharacterDevice() === true) {
    throw new ExitStatus(
      `invalid output path: ${goQuote(path)} must be a directory or a regular file: got a device`,
    );
  }
}

function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw pathFault(error, "stat", path);
  }
}
