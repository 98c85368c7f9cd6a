// SPDX-License-Identifier: Apache-2.0

/** A socket in the file system that one server has at a time, and nobody may use before it is set up. */

import * as fs from "node:fs";
import { connect, type Server } from "node:net";
import { basename, dirname, join } from "node:path";
import { isSystemError, LadeError } from "../base/errors.ts";
import { closeOnExec, pathOnly, renameAt } from "../sys/file.ts";
import { tryAcquireLock } from "../sys/lock.ts";
import { removeAll } from "../sys/remove-all.ts";
import { addressInUse, listenError } from "./listen-error.ts";

export interface UnixSocketOptions {
  readonly path: string;
  /** Who may connect beside the owner. */
  readonly gid: number | undefined;
}

/** Room for a path in `struct sockaddr_un`. */
const pathRoom = 107;
const socketMode = 0o660;

/**
 * Has a server listen on a path. A socket file that a killed server left is replaced.
 *
 * @returns what removes the socket, if it is still this server's
 * @throws LadeError LISTEN_FAILED, where somebody listens there too
 */
export async function bindUnix(server: Server, options: UnixSocketOptions): Promise<Disposable> {
  const { path } = options;
  const host = `unix ${path}`;
  if (Buffer.byteLength(path) > pathRoom) {
    throw new LadeError("LISTEN_FAILED", `listen ${host}: bind: invalid argument`, {
      hint: `The path of a socket has at most ${pathRoom} bytes.`,
    });
  }
  using stack = new DisposableStack();
  try {
    // Whoever holds it may replace the socket; the kernel frees it when its holder is killed.
    const lockPath = `${path}.lock`;
    const lock = tryAcquireLock(lockPath);
    if (lock === undefined) throw addressInUse(host);
    stack.use(lock);
    stack.defer(() => fs.rmSync(lockPath, { force: true }));
    await removeStale(path);
    const own = await place(server, options);
    stack.defer(() => removeIfSame(path, own));
    return stack.move();
  } catch (error) {
    throw listenError(host, error);
  }
}

/** Other programs than lade know nothing of its lock: one that answers is left alone. */
async function removeStale(path: string): Promise<void> {
  const status = fs.lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return;
  if (!status.isSocket() || !(await isRefused(path))) throw addressInUse(`unix ${path}`);
  fs.rmSync(path, { force: true });
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", (error) =>
      resolve(isSystemError(error, "ECONNREFUSED") || isSystemError(error, "ENOENT")),
    );
  });
}

/**
 * Listens in a folder that nobody else can look into, and moves the socket to its place once owner
 * and mode are right.
 */
async function place(server: Server, { path, gid }: UnixSocketOptions): Promise<fs.Stats> {
  using stack = new DisposableStack();
  const [folder, name] = [dirname(path), basename(path)];
  const prefix = `.${name}-`;
  for (const left of fs.readdirSync(folder)) {
    if (left.startsWith(prefix)) removeAll(join(folder, left));
  }
  const hidden = fs.mkdtempSync(join(folder, prefix));
  stack.defer(() => removeAll(hidden));
  const [folderFd, hiddenFd] = [openFolder(stack, folder), openFolder(stack, hidden)];
  // A descriptor's path is short. libuv removes that path at the end, when the descriptor may be
  // another folder's: so the name is one that no other file has.
  const own = basename(hidden);
  const short = `/proc/self/fd/${hiddenFd}/${own}`;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(short, resolve);
  await promise.finally(() => server.off("error", reject));
  if (gid !== undefined) fs.chownSync(short, process.getuid?.() ?? 0, gid);
  fs.chmodSync(short, socketMode);
  const status = fs.lstatSync(short);
  try {
    const names = { oldFd: hiddenFd, oldName: own, newFd: folderFd };
    renameAt({ ...names, newName: Buffer.from(name), existing: "no-replace" });
  } catch (error) {
    if (isSystemError(error, "EEXIST")) throw addressInUse(`unix ${path}`);
    throw error;
  }
  return status;
}

function openFolder(stack: DisposableStack, path: string): number {
  const fd = fs.openSync(path, pathOnly | closeOnExec | fs.constants.O_DIRECTORY);
  stack.defer(() => fs.closeSync(fd));
  return fd;
}

function removeIfSame(path: string, own: fs.Stats): void {
  const now = fs.lstatSync(path, { throwIfNoEntry: false });
  if (now !== undefined && now.ino === own.ino && now.dev === own.dev) fs.rmSync(path);
}
