// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isSystemError, LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { openInRoot, pathOnly } from "../sys/file.ts";
import type { OciUser } from "./spec/oci-spec.ts";

export interface ResolvedUser extends OciUser {
  /** Home folder in passwd; empty where the user has no entry. */
  readonly home: string;
}

/**
 * The numbers of a container's user.
 *
 * Source: `getUser` of moby (daemon/oci_linux.go) and github.com/moby/sys/user. The files are read
 * below the container's root, whatever symlinks the image has, and only where they are plain files.
 *
 * @param user `USER[:GROUP]`, names or numbers; empty: root
 * @param groupAdd more groups, names or numbers (`--group-add`)
 * @throws LadeError CONTAINER_INVALID in Docker's words; LIMIT_EXCEEDED for a file that is too large
 */
export function resolveUser(
  rootfs: string,
  user: string,
  groupAdd: readonly string[] = [],
): ResolvedUser {
  const rootFd = fs.openSync(rootfs, pathOnly | fs.constants.O_DIRECTORY);
  try {
    return chooseUser({
      user,
      groupAdd,
      passwd: readUserFile(rootFd, "etc/passwd"),
      group: readUserFile(rootFd, "etc/group"),
    });
  } finally {
    fs.closeSync(rootFd);
  }
}

/** Undefined where the image has no such file, or something else in its place. */
function readUserFile(rootFd: number, path: string): string | undefined {
  let fd: number;
  try {
    // Without waiting: the image may have a fifo here.
    const flags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY;
    fd = openInRoot(rootFd, path, flags);
  } catch (error) {
    if (absentCodes.some((code) => isSystemError(error, code))) return undefined;
    throw error;
  }
  try {
    const status = fs.fstatSync(fd);
    if (!status.isFile()) return undefined;
    if (status.size > limits.userFileSize) throw tooLarge(path, status.size);
    return readAll(fd, path);
  } finally {
    fs.closeSync(fd);
  }
}

const chunkSize = 64 * 1024;

/** Not by the size that the file tells: it may grow meanwhile. */
function readAll(fd: number, path: string): string {
  const chunks: string[] = [];
  const buffer = Buffer.allocUnsafe(chunkSize);
  for (let size = 0; ; ) {
    const read = fs.readSync(fd, buffer);
    if (read === 0) return chunks.join("");
    size += read;
    if (size > limits.userFileSize) throw tooLarge(path, size);
    chunks.push(buffer.toString("latin1", 0, read));
  }
}

const absentCodes = ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "EACCES", "ENODEV", "EXDEV"];

function tooLarge(path: string, size: number): LadeError {
  return new LadeError(
    "LIMIT_EXCEEDED",
    `/${path} of the container: at most ${limits.userFileSize} bytes, but it has ${size}`,
  );
}

interface UserQuestion {
  readonly user: string;
  readonly groupAdd: readonly string[];
  readonly passwd: string | undefined;
  readonly group: string | undefined;
}

/** @throws LadeError CONTAINER_INVALID */
function chooseUser({ user, groupAdd, passwd, group }: UserQuestion): ResolvedUser {
  const [userName = "", groupName = ""] = bytesOf(user).split(":");
  const [uidGiven, gidGiven] = [parseId(userName), parseId(groupName)];
  const groups = parseGroups(group ?? "");
  const entry = parsePasswd(passwd ?? "").find(({ name, uid }) =>
    userName === "" || uidGiven !== undefined ? uid === (uidGiven ?? 0) : name === userName,
  );
  if (entry === undefined && userName !== "" && uidGiven === undefined) {
    throw notFound("user", userName, "passwd");
  }
  const uid = inRange(entry?.uid ?? uidGiven ?? 0);
  let gid = inRange(entry?.gid ?? 0);
  let memberOf: readonly number[] = [];
  if (groupName !== "") {
    gid = findGroup(groups, groupName, gidGiven);
  } else if (entry !== undefined) {
    memberOf = groups
      .filter(({ members }) => members.includes(entry.name))
      .map((item) => inRange(item.gid));
  }
  const more = groupAdd.map(bytesOf).map((name) => findGroup(groups, name, parseId(name)));
  return {
    uid,
    gid,
    additionalGids: [...new Set([gid, ...memberOf, ...more])],
    home: Buffer.from(entry?.home ?? "", "latin1").toString("utf8"),
  };
}

/** The files are read byte by byte, so names are, too. */
function bytesOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function findGroup(groups: readonly Group[], name: string, number: number | undefined): number {
  if (number !== undefined) return number;
  const found = groups.find((group) => group.name === name);
  if (found === undefined) throw notFound("group", name, "group");
  return inRange(found.gid);
}

function notFound(kind: "user" | "group", name: string, file: string): LadeError {
  const shown = Buffer.from(name, "latin1").toString("utf8");
  return new LadeError(
    "CONTAINER_INVALID",
    `unable to find ${kind} ${shown}: no matching entries in ${file} file`,
  );
}

const largestId = 2 ** 31 - 1;

/** A number as a user gives it; undefined for a name. */
function parseId(text: string): number | undefined {
  return /^[+-]?\d+$/.test(text) ? inRange(Number(text)) : undefined;
}

function inRange(id: number): number {
  if (Number.isInteger(id) && id >= 0 && id <= largestId) return id;
  throw new LadeError("CONTAINER_INVALID", `uids and gids must be in range 0-${largestId}`);
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Lines of passwd(5); what is no number there is NaN, so that nobody becomes root by it. */
function parsePasswd(text: string): readonly PasswdEntry[] {
  return fieldsOf(text).map(([name = "", , uid, gid, , home = ""]) => ({
    name,
    uid: numberOf(uid),
    gid: numberOf(gid),
    home,
  }));
}

/** Lines of group(5). */
function parseGroups(text: string): readonly Group[] {
  return fieldsOf(text).map(([name = "", , gid, members = ""]) => ({
    name,
    gid: numberOf(gid),
    members: members.split(",").filter(Boolean),
  }));
}

function fieldsOf(text: string): readonly string[][] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

function numberOf(text: string | undefined): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN;
}
