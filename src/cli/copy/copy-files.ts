// SPDX-License-Identifier: Apache-2.0

import { posix } from "node:path";
import type { ByteSource } from "../../base/bytes.ts";
import { isLadeError } from "../../base/errors.ts";
import type { PathStat } from "../../engine/container-types.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Context } from "../context.ts";
import { ExitStatus } from "../exit-status.ts";
import { type CopyEnd, followedEnd, planCopy, splitEntry } from "./copy-paths.ts";
import { absolutePath, checkOutputPath, localDestination, localSource } from "./local-ends.ts";
import { createPushSource } from "./push-source.ts";

export interface Copy {
  readonly container: string;
  readonly source: string;
  readonly destination: string;
  readonly followsLink: boolean;
  readonly keepsOwner: boolean;
  /** Told of bytes on their way. */
  readonly onBytes: (count: number) => void;
}

// Bits of Go's os.FileMode.
const folderBit = 2 ** 31;
const linkBit = 2 ** 27;
const deviceBit = 2 ** 26;

function has({ mode }: PathStat, bit: number): boolean {
  return Math.floor(mode / bit) % 2 === 1;
}

/** Copies out of a container; a destination of `-` gets the tar on standard output. */
export async function copyFromContainer(
  context: Context,
  engine: Engine,
  copy: Copy,
): Promise<string> {
  const { container, onBytes } = copy;
  const isStream = copy.destination === "-";
  const destination = isStream ? "-" : absolutePath(copy.destination);
  checkOutputPath(destination);
  const from = await sourceInContainer(context, engine, copy);
  const { useCases, stdout } = context;
  if (isStream) {
    await useCases.getArchive(engine, container, from.path, (chunk) => stdout.writeBytes(chunk));
    return destination;
  }
  const stat = await useCases.statArchive(engine, container, from.path);
  const source = { ...from, exists: true, isFolder: has(stat, folderBit) };
  const { folder, memberName } = planCopy(source, localDestination(destination));
  const pipe = createPushSource();
  const push = async (chunk: Uint8Array) => {
    onBytes(chunk.length);
    await pipe.push(chunk);
  };
  const sent = useCases
    .getArchive(engine, container, from.path, push, { memberName })
    .then(() => pipe.end())
    .catch((error: unknown) => pipe.end(error));
  try {
    await useCases.unpackLocal(folder, pipe.source, context.signal);
  } catch (error) {
    pipe.close(error);
    throw error;
  } finally {
    await sent;
  }
  return destination;
}

/** What to copy: where a symlink leads, if that was asked for. */
async function sourceInContainer(
  { useCases }: Context,
  engine: Engine,
  { container, source, followsLink }: Copy,
): Promise<Pick<CopyEnd, "path" | "rebaseName">> {
  const stat = followsLink
    ? await ifThere(() => useCases.statArchive(engine, container, source))
    : undefined;
  if (stat === undefined || !has(stat, linkBit)) return { path: source, rebaseName: "" };
  return followedEnd(source, linkTarget(source, stat));
}

function linkTarget(path: string, { linkTarget: target }: PathStat): string {
  return target.startsWith("/") ? target : posix.join(splitEntry(path).folder, target);
}

async function ifThere(look: () => Promise<PathStat>): Promise<PathStat | undefined> {
  try {
    return await look();
  } catch (error) {
    if (isLadeError(error, "PATH_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** Copies into a container; a source of `-` is a tar on standard input. */
export async function copyToContainer(
  context: Context,
  engine: Engine,
  copy: Copy,
): Promise<string> {
  const { container, keepsOwner, onBytes } = copy;
  const { useCases, signal } = context;
  const source = copy.source === "-" ? undefined : absolutePath(copy.source);
  const destination = await destinationInContainer(context, engine, copy);
  const put = async (folder: string, archive: ByteSource) => {
    const counted: ByteSource = {
      async read(target) {
        const count = await archive.read(target);
        onBytes(count);
        return count;
      },
    };
    const options = { noOverwriteDirNonDir: true, copyUidGid: keepsOwner, signal };
    await useCases.putArchive(engine, container, folder, counted, options);
  };
  if (source === undefined) {
    if (!destination.isFolder) {
      throw new ExitStatus(`destination "${container}:${copy.destination}" must be a directory`);
    }
    using input = inputSource(context);
    await put(destination.path, input);
  } else {
    const from = localSource(source, copy.followsLink);
    const { folder, memberName } = planCopy(from, destination);
    using archive = await useCases.packLocal(from.path, memberName);
    await put(folder, archive);
  }
  return `${container}:${destination.path}`;
}

async function destinationInContainer(
  { useCases }: Context,
  engine: Engine,
  { container, destination }: Copy,
): Promise<CopyEnd> {
  const look = (path: string) => ifThere(() => useCases.statArchive(engine, container, path));
  let path = destination;
  let stat = await look(path);
  if (stat !== undefined && has(stat, linkBit)) {
    path = linkTarget(path, stat);
    stat = await look(path);
  }
  if (stat !== undefined && has(stat, deviceBit)) {
    throw new ExitStatus(
      `destination "${container}:${destination}" must be a directory or a regular file: got a device`,
    );
  }
  // Where there is nothing, the folder that it is to lie in may still be there.
  const isFolder = stat !== undefined && has(stat, folderBit);
  return { path, exists: stat !== undefined, isFolder, rebaseName: "" };
}

function inputSource({ stdin }: Context): ByteSource & Disposable {
  const reader = stdin.open();
  const chunks = reader[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  return {
    async read(target) {
      while (rest.length === 0) {
        const next = await chunks.next();
        if (next.done === true) return 0;
        rest = next.value;
      }
      const count = Math.min(target.length, rest.length);
      target.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return count;
    },
    [Symbol.dispose]: () => reader[Symbol.dispose](),
  };
}
