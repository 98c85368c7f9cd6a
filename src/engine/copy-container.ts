// SPDX-License-Identifier: Apache-2.0

/** Files into and out of containers: the archive calls of Docker's API, on which `cp` rests. */

import { closeSync, constants, openSync } from "node:fs";
import { posix } from "node:path";
import type { ByteSource } from "../base/bytes.ts";
import { isSystemError, LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { compressionMagicSize, decompress, sniffCompression } from "../content/compression.ts";
import type { ContainerRow } from "../content/containers.ts";
import { peekable } from "../content/sources.ts";
import { extractArchive } from "../rootfs/archive-in.ts";
import { archiveParts } from "../rootfs/archive-out.ts";
import { disposableSource } from "../rootfs/layer-writer.ts";
import { type FoundPath, findPath, resolveText } from "../rootfs/resolve.ts";
import { resolveUser } from "../runtime/users.ts";
import { goFileMode } from "../spec/go-file-mode.ts";
import { syncFileSystem } from "../sys/file.ts";
import { byteStringToText, textToByteString } from "../tar/entry.ts";
import { cleanPath } from "./clean-path.ts";
import { noteContainer } from "./container-events.ts";
import type { PathStat } from "./container-types.ts";
import { type ContainerView, withContainerView } from "./container-view.ts";
import { currentContainer } from "./current.ts";
import type { Engine } from "./engine.ts";

/**
 * What a path in a container is. A symlink at its end is told of itself, unless a slash follows.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, PATH_NOT_FOUND
 */
export async function statArchive(engine: Engine, name: string, path: string): Promise<PathStat> {
  const row = await currentContainer(engine, name);
  return await withContainerView(engine, row, async (view) => {
    using found = find(view, { name, path, followLast: false });
    return statOf(view, found, path);
  });
}

const chunkSize = 512 * 1024;

export interface GetArchiveOptions {
  /** What the first member is called; the path's last name unless said otherwise. */
  readonly memberName?: string | undefined;
  /** Told what the path is, before the first piece of the tar. */
  readonly onStat?: ((stat: PathStat) => void) | undefined;
}

/**
 * Sends a path of a container as a tar: a file, or a folder with all in it.
 *
 * @param write gets the tar in pieces; each is its own, and the next comes when it is done
 * @throws LadeError CONTAINER_NOT_FOUND, PATH_NOT_FOUND, IO_FAILED
 */
export async function getArchive(
  engine: Engine,
  name: string,
  path: string,
  write: (chunk: Uint8Array) => Promise<void> | void,
  options: GetArchiveOptions = {},
): Promise<PathStat> {
  const row = await currentContainer(engine, name);
  return await withContainerView(engine, row, async (view) => {
    using found = find(view, { name, path, followLast: false });
    const stat = statOf(view, found, path);
    options.onStat?.(stat);
    const memberName = options.memberName ?? stat.name;
    const member = memberName === "/" ? "" : textToByteString(memberName);
    using source = disposableSource(archiveParts(view, found, member));
    for (;;) {
      const chunk = Buffer.allocUnsafe(chunkSize);
      const count = await readPart(source, chunk, path);
      if (count === 0) break;
      await write(chunk.subarray(0, count));
    }
    note(engine, row, "archive-path");
    return stat;
  });
}

async function readPart(source: ByteSource, chunk: Buffer, path: string): Promise<number> {
  try {
    return await source.read(chunk);
  } catch (error) {
    throw ioError(error, `read ${path} in the container`);
  }
}

export interface PutArchiveOptions {
  /** Refuse to put a file in place of a folder, or a folder in place of a file. */
  readonly noOverwriteDirNonDir?: boolean | undefined;
  /** Everything belongs to the container's user, not to whom the tar says. */
  readonly copyUidGid?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Extracts a tar, also a compressed one, into a folder of a container.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, PATH_NOT_FOUND, CONTAINER_INVALID where the path is no
 *   folder, CONTAINER_READ_ONLY, NAME_ESCAPES, CONTAINER_CONFLICT, TAR_*, COMPRESSION_CORRUPT
 */
export async function putArchive(
  engine: Engine,
  name: string,
  path: string,
  source: ByteSource,
  options: PutArchiveOptions = {},
): Promise<void> {
  const row = await currentContainer(engine, name);
  await withContainerView(engine, row, async (view) => {
    using found = find(view, { name, path, followLast: true });
    if (found.status.type !== "directory") {
      throw new LadeError("CONTAINER_INVALID", "extraction point is not a directory");
    }
    const folder = found.path;
    checkWritable(row, view, byteStringToText(folder));
    const owner = options.copyUidGid === true ? userOf(row, view) : undefined;
    const { noOverwriteDirNonDir: keepsTypes = false, signal } = options;
    const target = { view, folder };
    try {
      await extractArchive(target, await plainTar(source), { keepsTypes, owner, signal });
      if (!view.isRunning) syncAround(found);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      if (isSystemError(error, "EROFS")) throw readOnly(`${path}: read-only file system`);
      throw ioError(error, `write to ${path} in the container`);
    }
    note(engine, row, "extract-to-dir");
  });
}

/**
 * Unmounting would write it all to the disk, too, but it does not tell when that fails: a power cut
 * just then took files of which `cp` said that they had been copied.
 */
function syncAround(folder: FoundPath): void {
  const fd = openSync(`/proc/self/fd/${folder.fd}`, constants.O_RDONLY + constants.O_DIRECTORY);
  try {
    syncFileSystem(fd);
  } finally {
    closeSync(fd);
  }
}

async function plainTar(source: ByteSource): Promise<ByteSource> {
  const input = peekable(source);
  const compression = sniffCompression(await input.peek(compressionMagicSize));
  return compression === "none" ? input : decompress(input, compression, "archive");
}

interface Wanted {
  /** As the user named the container. */
  readonly name: string;
  readonly path: string;
  readonly followLast: boolean;
}

/** @throws LadeError PATH_NOT_FOUND */
function find(view: ContainerView, { name, path, followLast }: Wanted): FoundPath {
  try {
    return findPath(view, textToByteString(absolutePath(path)), { followLast });
  } catch (error) {
    if (isSystemError(error, "ENOENT") || isSystemError(error, "ENOTDIR")) {
      throw new LadeError(
        "PATH_NOT_FOUND",
        `Could not find the file ${path} in container ${name}`,
        { cause: error },
      );
    }
    throw ioError(error, `find ${path} in container ${name}`);
  }
}

/**
 * The path from the root, without `..`; a slash or a `/.` at its end stays, since it means what a
 * symlink leads to.
 *
 * Source: `PreserveTrailingDotOrSeparator` of moby (pkg/archive/copy.go).
 */
function absolutePath(path: string): string {
  const clean = cleanPath(`/${path}`);
  const hasDot = path === "." || path.endsWith("/.");
  if (hasDot) return clean === "/" ? "/." : `${clean}/.`;
  return path.endsWith("/") && clean !== "/" ? `${clean}/` : clean;
}

function statOf(view: ContainerView, found: FoundPath, path: string): PathStat {
  const { status } = found;
  const absolute = absolutePath(path);
  const isLink = status.type === "symlink";
  return {
    name: posix.basename(absolute) || "/",
    size: status.size,
    mode: goFileMode(status.type, status.mode),
    mtime: formatTime(status.modified.seconds, status.modified.nanoseconds),
    linkTarget: isLink ? byteStringToText(resolveText(view, textToByteString(absolute))) : "",
  };
}

/** As Go writes a time in UTC: no zeros at the end of the fraction. */
function formatTime(seconds: number, nanoseconds: number): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, -".000Z".length);
  const fraction = String(nanoseconds).padStart(9, "0").replace(/0+$/, "");
  return fraction === "" ? `${whole}Z` : `${whole}.${fraction}Z`;
}

/**
 * Refuses to write where the container may not write either.
 *
 * Source: `checkIfPathIsInAVolume` of moby (daemon/archive_unix.go).
 */
function checkWritable(row: ContainerRow, view: ContainerView, path: string): void {
  const { mounts, hostConfig } = row.definition;
  const places = mounts
    .filter(({ Type: type }) => type !== "tmpfs" || view.isRunning)
    .map((mount) => ({ path: cleanPath(mount.Destination), isWritable: mount.RW }));
  if (view.isRunning) {
    for (const target of Object.keys(hostConfig.Tmpfs ?? {})) {
      places.push({ path: cleanPath(target), isWritable: true });
    }
  }
  const [nearest] = places
    .filter((place) => path === place.path || path.startsWith(`${place.path}/`))
    .sort((a, b) => b.path.length - a.path.length);
  if (nearest !== undefined) {
    if (!nearest.isWritable) throw readOnly("mounted volume is marked read-only");
  } else if (hostConfig.ReadonlyRootfs === true) {
    throw readOnly("container rootfs is marked read-only");
  }
}

function readOnly(message: string): LadeError {
  return new LadeError("CONTAINER_READ_ONLY", message);
}

/** The container's user by its own passwd: no program and no library of the container has a say. */
function userOf(
  row: ContainerRow,
  view: ContainerView,
): { readonly uid: number; readonly gid: number } | undefined {
  const { User: user = "" } = row.definition.config;
  if (user === "") return undefined;
  const { uid, gid } = resolveUser(`/proc/self/fd/${view.rootFd}`, user);
  return { uid, gid };
}

/** Docker's event; it need not survive a power cut. */
function note(engine: Engine, row: ContainerRow, action: string): void {
  const { database } = engine.store;
  database.transaction(() => noteContainer(database, row, action), { isDurable: false });
}
