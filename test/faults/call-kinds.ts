// SPDX-License-Identifier: Apache-2.0

/** The system calls that change something, and what each may be told. */

import type { TracedCall } from "./ptrace.ts";

/** Where the place that a call changes is among its arguments. */
type Place =
  | { readonly by: "descriptor"; readonly argument: number }
  /** A path; where `folder` is given, below that argument's folder. */
  | { readonly by: "path"; readonly path: number; readonly folder?: number };

interface CallKind {
  /** Of x86-64. @see arch/x86/entry/syscalls/syscall_64.tbl */
  readonly number: number;
  readonly place: Place;
  readonly errors: readonly ErrorName[];
}

/** @see <asm-generic/errno-base.h> */
export const errorNumbers = {
  EINTR: 4,
  EIO: 5,
  EAGAIN: 11,
  EBUSY: 16,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
} as const;

export type ErrorName = keyof typeof errorNumbers;

const descriptor: Place = { by: "descriptor", argument: 0 };
const secondDescriptor: Place = { by: "descriptor", argument: 2 };
// AT_FDCWD of <fcntl.h>.
const workingFolder = -100n;
const path = (index: number): Place => ({ by: "path", path: index });
const below = (folder: number): Place => ({ by: "path", folder, path: folder + 1 });

const writing = ["EIO", "ENOSPC", "EINTR"] as const;
const syncing = ["EIO", "ENOSPC"] as const;
const naming = ["EIO", "ENOSPC"] as const;
const opening = ["EMFILE", "ENFILE", "ENOSPC", "EIO", "EINTR"] as const;
const removing = ["EIO"] as const;
const marking = ["EIO"] as const;

const kinds: Readonly<Record<string, CallKind>> = {
  write: { number: 1, place: descriptor, errors: writing },
  open: { number: 2, place: path(0), errors: opening },
  pwrite64: { number: 18, place: descriptor, errors: writing },
  writev: { number: 20, place: descriptor, errors: writing },
  sendfile: { number: 40, place: descriptor, errors: writing },
  fsync: { number: 74, place: descriptor, errors: syncing },
  fdatasync: { number: 75, place: descriptor, errors: syncing },
  truncate: { number: 76, place: path(0), errors: naming },
  ftruncate: { number: 77, place: descriptor, errors: naming },
  rename: { number: 82, place: path(1), errors: naming },
  mkdir: { number: 83, place: path(0), errors: naming },
  rmdir: { number: 84, place: path(0), errors: removing },
  link: { number: 86, place: path(1), errors: naming },
  unlink: { number: 87, place: path(0), errors: removing },
  symlink: { number: 88, place: path(1), errors: naming },
  chmod: { number: 90, place: path(0), errors: marking },
  fchmod: { number: 91, place: descriptor, errors: marking },
  chown: { number: 92, place: path(0), errors: marking },
  fchown: { number: 93, place: descriptor, errors: marking },
  lchown: { number: 94, place: path(0), errors: marking },
  mknod: { number: 133, place: path(0), errors: naming },
  mount: { number: 165, place: path(1), errors: ["EIO", "EBUSY"] },
  umount2: { number: 166, place: path(0), errors: ["EBUSY"] },
  setxattr: { number: 188, place: path(0), errors: marking },
  lsetxattr: { number: 189, place: path(0), errors: marking },
  fsetxattr: { number: 190, place: descriptor, errors: marking },
  openat: { number: 257, place: below(0), errors: opening },
  mkdirat: { number: 258, place: below(0), errors: naming },
  mknodat: { number: 259, place: below(0), errors: naming },
  fchownat: { number: 260, place: below(0), errors: marking },
  unlinkat: { number: 263, place: below(0), errors: removing },
  renameat: { number: 264, place: below(2), errors: naming },
  linkat: { number: 265, place: below(2), errors: naming },
  symlinkat: { number: 266, place: below(1), errors: naming },
  fchmodat: { number: 268, place: below(0), errors: marking },
  utimensat: { number: 280, place: below(0), errors: marking },
  fallocate: { number: 285, place: descriptor, errors: naming },
  pwritev: { number: 296, place: descriptor, errors: writing },
  renameat2: { number: 316, place: below(2), errors: naming },
  copy_file_range: { number: 326, place: secondDescriptor, errors: writing },
};

export const kindsByNumber: ReadonlyMap<number, string> = new Map(
  Object.entries(kinds).map(([name, { number }]) => [number, name]),
);

/** One moment at which a command changes something. */
export interface Mutation {
  readonly name: string;
  /** What it changes. */
  readonly path: string;
  /** Bytes of a write. */
  readonly size: number;
}

// O_WRONLY, O_RDWR, O_CREAT and O_TRUNC of <fcntl.h>.
const writesOrCreates = 1 + 2 + 0o100 + 0o1000;

/**
 * @param roots only what lies below one of these
 * @returns undefined for a call that changes nothing there
 */
export function mutationOf(call: TracedCall, roots: readonly string[]): Mutation | undefined {
  const kind = kinds[call.name];
  if (kind === undefined) return undefined;
  if (call.name === "open" && (Number(call.args[1]) & writesOrCreates) === 0) return undefined;
  if (call.name === "openat" && (Number(call.args[2]) & writesOrCreates) === 0) return undefined;
  const place = placeOf(call, kind.place);
  if (!roots.some((root) => place === root || place.startsWith(`${root}/`))) return undefined;
  const isWrite = call.name === "write" || call.name === "pwrite64";
  return { name: call.name, path: place, size: isWrite ? Number(call.args[2]) : 0 };
}

function placeOf(call: TracedCall, place: Place): string {
  const argument = (index: number) => call.args[index] ?? 0n;
  if (place.by === "descriptor") return call.file(argument(place.argument));
  const path = call.text(argument(place.path));
  const [, fd, rest = ""] = /^\/proc\/self\/fd\/(\d+)(.*)$/.exec(path) ?? [];
  if (fd !== undefined) return call.file(BigInt(fd)) + rest;
  if (path.startsWith("/")) return path;
  const folder = call.file(place.folder === undefined ? workingFolder : argument(place.folder));
  return path === "" ? folder : `${folder}/${path}`;
}

export function errorsOf(mutation: Mutation): readonly ErrorName[] {
  return kinds[mutation.name]?.errors ?? [];
}
