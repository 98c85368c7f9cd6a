// SPDX-License-Identifier: Apache-2.0

/** Which paths a system call names, and what it does there. */

import { posix } from "node:path";
import { descriptorOf, stringOf, type TracedLine } from "./strace-lines.ts";

/** `look` asks or opens as a path only, `read` opens, `write` changes something. */
export type Access = "look" | "read" | "write";

/** One place that a call names. */
export interface NamedPlace {
  readonly access: Access;
  /** The real path from which the kernel starts. */
  readonly base: string;
  /** What the kernel resolves from there; empty where the base itself is meant. */
  readonly name: string;
  /** Whether a symlink at the end of the name is followed. */
  readonly follows: boolean;
  /** Where the kernel really ended; known of what was opened. */
  readonly real?: string | undefined;
  /** Whether the kernel was told to let nothing lead out of the base. */
  readonly isHeld?: boolean;
}

/** The real path of an open descriptor of the process, for names in `/proc/self/fd`. */
export type PathOfDescriptor = (number: string) => string | undefined;

type Reader = (line: TracedLine, pathOf: PathOfDescriptor) => NamedPlace[];

interface Spot {
  readonly access: Access;
  /** Which argument is the folder's descriptor; the working folder without one. */
  readonly folder?: number;
  readonly path: number;
  /** What says whether a symlink is followed: always, never, or flags of all arguments. */
  readonly follows: boolean | "flags" | "asked";
}

/** Calls in whose arguments is all there is to know. */
const at = (access: Access, first: number, follows: Spot["follows"]): Spot => ({
  access,
  folder: first,
  path: first + 1,
  follows,
});
const by = (access: Access, path: number, follows: Spot["follows"]): Spot => ({
  access,
  path,
  follows,
});

const spots: Readonly<Record<string, readonly Spot[]>> = {
  stat: [by("look", 0, true)],
  lstat: [by("look", 0, false)],
  newfstatat: [at("look", 0, "flags")],
  statx: [at("look", 0, "flags")],
  statfs: [by("look", 0, true)],
  access: [by("look", 0, true)],
  faccessat: [at("look", 0, "flags")],
  faccessat2: [at("look", 0, "flags")],
  readlink: [by("look", 0, false)],
  readlinkat: [at("look", 0, false)],
  getxattr: [by("look", 0, true)],
  lgetxattr: [by("look", 0, false)],
  listxattr: [by("look", 0, true)],
  llistxattr: [by("look", 0, false)],
  name_to_handle_at: [at("look", 0, "asked")],
  inotify_add_watch: [by("read", 1, "flags")],
  chdir: [by("look", 0, true)],
  execve: [by("look", 0, true)],
  execveat: [at("look", 0, "flags")],
  open_tree: [at("look", 0, "flags")],
  fspick: [at("write", 0, "flags")],
  mkdir: [by("write", 0, false)],
  mkdirat: [at("write", 0, false)],
  mknod: [by("write", 0, false)],
  mknodat: [at("write", 0, false)],
  unlink: [by("write", 0, false)],
  unlinkat: [at("write", 0, false)],
  rmdir: [by("write", 0, false)],
  rename: [by("write", 0, false), by("write", 1, false)],
  renameat: [at("write", 0, false), at("write", 2, false)],
  renameat2: [at("write", 0, false), at("write", 2, false)],
  link: [by("write", 0, false), by("write", 1, false)],
  linkat: [at("write", 0, "asked"), at("write", 2, false)],
  symlink: [by("write", 1, false)],
  symlinkat: [at("write", 1, false)],
  chmod: [by("write", 0, true)],
  fchmodat: [at("write", 0, true)],
  fchmodat2: [at("write", 0, "flags")],
  chown: [by("write", 0, true)],
  lchown: [by("write", 0, false)],
  fchownat: [at("write", 0, "flags")],
  utime: [by("write", 0, true)],
  utimes: [by("write", 0, true)],
  futimesat: [at("write", 0, true)],
  utimensat: [at("write", 0, "flags")],
  truncate: [by("write", 0, true)],
  setxattr: [by("write", 0, true)],
  lsetxattr: [by("write", 0, false)],
  removexattr: [by("write", 0, true)],
  lremovexattr: [by("write", 0, false)],
  umount2: [by("write", 0, "flags")],
  move_mount: [at("look", 0, false), at("write", 2, "asked")],
};

/** Calls on what is open. */
const onDescriptor = ["fchmod", "fchown", "ftruncate", "fallocate", "fsetxattr", "fremovexattr"];

/** Calls that name nothing that was not named before. */
const silent = ["getcwd", "clone", "clone3", "fork", "vfork", "fsopen", "fsmount", "fchdir"];
/** Only names of networks, pipes of the kernel, and mounts that nobody sees yet. */
const inner = ["mount_setattr", "setns", "unshare"];

/** What strace is asked for. */
export const auditedCalls: readonly string[] = [
  ...["%file", "openat2", "clone", "clone3", "fork", "vfork", "fchdir", "bind", "connect"],
  ...["open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"],
  ...["open_by_handle_at", "fallocate", "setns", "unshare", ...onDescriptor],
];

/**
 * The places that a call names.
 *
 * @returns undefined for a call that is not known here
 */
export function placesOf(line: TracedLine, pathOf: PathOfDescriptor): NamedPlace[] | undefined {
  const { name, args } = line;
  const known = spots[name];
  if (known !== undefined) return known.flatMap((spot) => placeAt(line, spot, pathOf));
  if (silent.includes(name) || inner.includes(name)) return [];
  if (onDescriptor.includes(name)) return openOne(args[0]);
  return readers[name]?.(line, pathOf);
}

function openOne(argument: string | undefined): NamedPlace[] {
  const path = descriptorOf(argument)?.path;
  // Pipes, sockets and what else has no path.
  if (path === undefined || !path.startsWith("/")) return [];
  return [{ access: "write", base: path, name: "", follows: false }];
}

function placeAt(line: TracedLine, spot: Spot, pathOf: PathOfDescriptor): NamedPlace[] {
  const { access, path } = spot;
  const folder = spot.folder === undefined ? undefined : line.args[spot.folder];
  const text = stringOf(line.args[path]) ?? (line.args[path] === "NULL" ? "" : undefined);
  if (text === undefined) {
    // What can't be read was no name, and failed.
    if (!line.isDone) return [];
    throw new Error(`strace: a name is not there: ${line.text}`);
  }
  if (text === "") return access === "write" ? openOne(folder) : [];
  return [{ access, ...startOf(text, folder, pathOf), follows: follows(spot, line) }];
}

function follows({ follows: how }: Spot, { args }: TracedLine): boolean {
  if (typeof how === "boolean") return how;
  const flags = args.join(" ");
  if (how === "asked") return /AT_SYMLINK_FOLLOW|MOVE_MOUNT_T_SYMLINKS/.test(flags);
  return !/NOFOLLOW|IN_DONT_FOLLOW/.test(flags);
}

const throughDescriptor = /^\/(?:proc\/(?:thread-)?self|dev)\/fd\/(\d+)(?:\/(.*))?$/;

/** Where the kernel starts, with links of `/proc` to what is open seen through. */
function startOf(
  text: string,
  folder: string | undefined,
  pathOf: PathOfDescriptor,
): { readonly base: string; readonly name: string } {
  const [, number, rest = ""] = throughDescriptor.exec(text) ?? [];
  const real = number === undefined ? undefined : pathOf(number);
  if (real?.startsWith("/")) return { base: real, name: rest };
  if (text.startsWith("/")) return { base: "/", name: text };
  const base = descriptorOf(folder)?.path;
  // strace tells of working folders only with calls that take a folder.
  return { base: base ?? pathOf("AT_FDCWD") ?? "/", name: text };
}

function openAccess(flags: string): Access {
  if (/O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE/.test(flags)) return "write";
  return /O_PATH/.test(flags) ? "look" : "read";
}

const opens =
  (folder: number | undefined, path: number): Reader =>
  (line, pathOf) => {
    const text = stringOf(line.args[path]);
    if (text === undefined) return [];
    const flags = line.name === "creat" ? "O_CREAT" : line.args.slice(path + 1).join(" ");
    return [
      {
        access: openAccess(flags),
        ...startOf(text, folder === undefined ? undefined : line.args[folder], pathOf),
        follows: !/O_NOFOLLOW|O_EXCL/.test(flags),
        real: line.isDone ? descriptorOf(line.answer)?.path : undefined,
        isHeld: /RESOLVE_(IN_ROOT|BENEATH)/.test(flags),
      },
    ];
  };

/** A path in the text of a mount. */
function mounted(access: Access, text: string | undefined, pathOf: PathOfDescriptor): NamedPlace[] {
  if (text === undefined || !text.includes("/")) return [];
  return text
    .split(":")
    .filter((path) => path.includes("/"))
    .map((path) => ({ access, ...startOf(path, undefined, pathOf), follows: true }));
}

const readers: Readonly<Record<string, Reader>> = {
  open: opens(undefined, 0),
  creat: opens(undefined, 0),
  openat: opens(0, 1),
  openat2: opens(0, 1),
  open_by_handle_at: ({ answer }) => {
    const real = descriptorOf(answer)?.path;
    return real === undefined
      ? []
      : [{ access: "read", base: real, name: "", follows: false, real }];
  },
  mount: ({ args }, pathOf) => {
    const options = stringOf(args[4]) ?? "";
    const values = options.split(",").map((option) => option.slice(option.indexOf("=") + 1));
    return [
      ...mounted("look", stringOf(args[0]), pathOf),
      ...mounted("write", stringOf(args[1]), pathOf),
      ...values.flatMap((value) => mounted("look", value, pathOf)),
    ];
  },
  fsconfig: ({ args }, pathOf) => mounted("look", stringOf(args[3]), pathOf),
  connect: socketPlace,
  bind: socketPlace,
};

function socketPlace({ args }: TracedLine, pathOf: PathOfDescriptor): NamedPlace[] {
  const path = stringOf(/sun_path=("(?:[^"\\]|\\.)*")/.exec(args[1] ?? "")?.[1]);
  if (path === undefined) return [];
  return [{ access: "write", ...startOf(path, undefined, pathOf), follows: true }];
}

/** The path that the name would be without symlinks. */
export function plainPath({ base, name }: NamedPlace): string {
  return posix.resolve(base, name);
}
