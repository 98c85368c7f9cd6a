// SPDX-License-Identifier: Apache-2.0

/** mount(2) and the calls around it. All throw {@link SystemError}. */

import * as fs from "node:fs";
import { isSystemError } from "../base/errors.ts";
import { callNumbers, encodeText, libcCalls, rawCall, signed, workingFolder } from "./calls.ts";
import { checkCall } from "./errno.ts";
import { statusOfPath } from "./status.ts";

/** MS_* of <sys/mount.h>. */
export const mountFlags = {
  readOnly: 1,
  noSetuid: 2,
  noDevices: 4,
  noExecute: 8,
  remount: 32,
  noAccessTime: 1024,
  bind: 4096,
  move: 8192,
  recursive: 16_384,
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
} as const;

export interface MountRequest {
  /** A device, file or folder, or any word for file systems without one. */
  readonly source: string;
  readonly target: string;
  /** Empty for what has no type: bind mounts and changes of propagation. */
  readonly type: string;
  /** {@link mountFlags}, added. */
  readonly flags?: number;
  /** Options of the file system, separated by commas; at most 4095 bytes. */
  readonly data?: string;
}

const dataMax = 4095;

/** @throws SystemError, E2BIG for data that mount(2) would cut off without a word */
export function mount({ source, target, type, flags = 0, data }: MountRequest): void {
  const options = data === undefined ? null : encodeText(data);
  if (options !== null && options.length > dataMax + 1) {
    throw new RangeError(`mount ${target}: options of ${options.length} bytes`);
  }
  const result = libcCalls().mount(
    encodeText(source),
    encodeText(target),
    type === "" ? null : encodeText(type),
    BigInt(flags),
    options,
  );
  checkCall(result, { syscall: "mount", path: source, dest: target });
}

// MNT_DETACH and UMOUNT_NOFOLLOW of <sys/mount.h>.
const detach = 2;
const unmountNoFollow = 8;

/**
 * Unmounts what was mounted last at a path; never follows a symlink at its end.
 *
 * @param options.lazy takes it out of the tree at once and lets it end when nobody uses it any more
 * @throws SystemError EBUSY, EINVAL where nothing is mounted
 */
export function unmount(path: string, options: { readonly lazy?: boolean } = {}): void {
  const flags = options.lazy === true ? unmountNoFollow | detach : unmountNoFollow;
  const result = libcCalls().umount2(encodeText(path), flags);
  checkCall(result, { syscall: "umount", path });
}

export interface BindOptions {
  /** With what is mounted below the source. */
  readonly recursive?: boolean;
  readonly readOnly?: boolean;
}

/** Shows a file or folder at another path, which must exist and be of the same kind. */
export function bindMount(source: string, target: string, options: BindOptions = {}): void {
  const { recursive = false, readOnly = false } = options;
  const flags = recursive ? mountFlags.bind | mountFlags.recursive : mountFlags.bind;
  if (!readOnly) {
    mount({ source, target, type: "", flags });
    return;
  }
  // Detached, made read-only, and only then put in place: nobody sees it writable.
  const tree = cloneTree(source, recursive);
  try {
    setReadOnly(tree, recursive);
    attachMount(tree, target);
  } finally {
    fs.closeSync(tree);
  }
}

// <linux/mount.h> and <fcntl.h>.
const openTreeClone = 1;
const openTreeCloseOnExec = 0o2000000;
const atEmptyPath = 0x1000;
const atRecursive = 0x8000;
const attributeReadOnly = 1n;

function cloneTree(path: string, recursive: boolean): number {
  const flags = openTreeClone | openTreeCloseOnExec | (recursive ? atRecursive : 0);
  const folder = signed(workingFolder);
  const fd = rawCall(callNumbers.openTree, folder, encodeText(path), BigInt(flags));
  return checkCall(fd, { syscall: "open_tree", path });
}

function setReadOnly(tree: number, recursive: boolean): void {
  // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
  const struct = Buffer.alloc(32);
  struct.writeBigUInt64LE(attributeReadOnly, 0);
  const flags = BigInt(atEmptyPath | (recursive ? atRecursive : 0));
  const { mountSetattr } = callNumbers;
  const result = rawCall(mountSetattr, BigInt(tree), encodeText(""), flags, struct, 32n);
  checkCall(result, { syscall: "mount_setattr" });
}

// MOVE_MOUNT_F_EMPTY_PATH of <linux/mount.h>.
const fromDescriptor = 4n;

/** Puts a mount that is not yet in the tree at a path. */
export function attachMount(mountFd: number, target: string): void {
  const result = rawCall(
    callNumbers.moveMount,
    BigInt(mountFd),
    encodeText(""),
    signed(workingFolder),
    encodeText(target),
    fromDescriptor,
  );
  checkCall(result, { syscall: "move_mount", path: target });
}

export interface NewFileSystem {
  readonly type: string;
  /** Options in the order in which the file system gets them; null for flags without a value. */
  readonly options: readonly (readonly [key: string, value: string | null])[];
  readonly readOnly?: boolean;
  /** Whether nothing on it gives rights: no setuid, no devices, no programs. */
  readonly inert?: boolean;
}

// MOUNT_ATTR_NOSUID, _NODEV and _NOEXEC of <linux/mount.h>.
const inertAttributes = 2n | 4n | 8n;

// FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC and FSCONFIG_* of <linux/mount.h>.
const configFlag = 0n;
const configString = 1n;
const configCreate = 6n;

/**
 * Makes a file system that is mounted nowhere yet; one option a call, so that there is no limit to
 * all of them together. From kernel 5.2 on.
 *
 * @returns the descriptor for {@link attachMount}; the file system goes when it closes unattached
 * @throws SystemError with the kernel's own words, ENOSYS on older kernels
 */
export function createFileSystem(wanted: NewFileSystem): number {
  const opened = rawCall(callNumbers.fsopen, encodeText(wanted.type), 1n);
  const context = checkCall(opened, { syscall: "fsopen", path: wanted.type });
  try {
    for (const [key, value] of wanted.options) setOption(context, key, value);
    if (wanted.readOnly === true) setOption(context, "ro", null);
    configure(context, [configCreate, null, null], "create");
    const attributes = wanted.inert === true ? inertAttributes : 0n;
    const made = rawCall(callNumbers.fsmount, BigInt(context), 1n, attributes);
    return checkCall(made, { syscall: "fsmount", path: wanted.type });
  } finally {
    fs.closeSync(context);
  }
}

function setOption(context: number, key: string, value: string | null): void {
  const text = value === null ? null : encodeText(value);
  const command = value === null ? configFlag : configString;
  configure(context, [command, encodeText(key), text], value === null ? key : `${key}=${value}`);
}

function configure(
  context: number,
  [command, key, value]: [bigint, Buffer | null, Buffer | null],
  label: string,
): void {
  const result = rawCall(callNumbers.fsconfig, BigInt(context), command, key, value, 0n);
  if (result >= 0) return;
  try {
    checkCall(result, { syscall: "fsconfig", path: label });
  } catch (error) {
    const words = readMessages(context);
    if (error instanceof Error && words !== "") error.message += ` (${words})`;
    throw error;
  }
}

/** What the file system said, each message with a letter and a space before it. */
function readMessages(context: number): string {
  const words: string[] = [];
  const buffer = Buffer.alloc(1024);
  try {
    for (;;) {
      const size = fs.readSync(context, buffer);
      if (size <= 0) break;
      words.push(
        buffer
          .toString("utf8", 0, size)
          .replace(/^[ewi] /, "")
          .trim(),
      );
    }
  } catch {
    // ENODATA: there are no more.
  }
  return words.join("; ");
}

/** True where something is mounted at the path itself; false also for what is not there. */
export function isMountPoint(path: string): boolean {
  try {
    return statusOfPath(path).mountRoot ?? isListed(path);
  } catch (error) {
    if (isSystemError(error, "ENOENT") || isSystemError(error, "ENOTDIR")) return false;
    throw error;
  }
}

function isListed(path: string): boolean {
  return mountPoints().includes(fs.realpathSync(path));
}

/** Where this process sees something mounted, in the order of the mounts. */
export function mountPoints(): string[] {
  const table = fs.readFileSync("/proc/self/mountinfo", "utf8");
  return table.split("\n").flatMap((line) => {
    const escaped = line.split(" ")[4];
    return escaped === undefined ? [] : [unescapePath(escaped)];
  });
}

/** The kernel writes space, tab, newline and backslash as octal numbers (proc(5)). */
function unescapePath(escaped: string): string {
  return escaped.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
