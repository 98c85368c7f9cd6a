// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ioError } from "../base/io-error.ts";

/**
 * Where things lie that live no longer than the machine runs: mounts, sockets, pids.
 *
 * After a reboot all of it is empty or stale, and nothing here is the only copy of what has to last.
 */
export interface RunPaths {
  readonly root: string;
  /** Mounted layers, one folder for each key. */
  readonly layers: string;
  /** One folder for each container: `rootfs/` and the bundle. */
  readonly containers: string;
  /** Exit codes, one file for each container. */
  readonly exits: string;
  /** Who uses which layer: a folder for each key, in it a file for each container. */
  readonly layerUsers: string;
  /** Network namespaces, one file for each container. */
  readonly netns: string;
  /** Lock files; they stay. */
  readonly locks: string;
}

export function runPaths(root: string): RunPaths {
  return {
    root,
    layers: join(root, "layers"),
    containers: join(root, "containers"),
    layerUsers: join(root, "layer-users"),
    exits: join(root, "exits"),
    netns: join(root, "netns"),
    locks: join(root, "locks"),
  };
}

/** The folder of one container in the run root. */
export function containerRunFolder(run: RunPaths, containerId: string): string {
  return join(run.containers, containerId);
}

export interface RunRootOptions {
  /** Folder of the store. */
  readonly storeRoot: string;
  /** Where this user's store is when nobody says. */
  readonly defaultStoreRoot: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
}

const shortHexSize = 12;
const systemRunRoot = "/run/lade";

/**
 * Where the run root of a store is: `LADE_RUN_ROOT`, else one of the system's or of the user's.
 *
 * Each store has its own, so that two of them never share the state of containers.
 */
export function defaultRunRoot(options: RunRootOptions): string {
  const { storeRoot, defaultStoreRoot, env, uid } = options;
  if (env.LADE_RUN_ROOT) return resolve(env.LADE_RUN_ROOT);
  if (uid !== 0 && !env.XDG_RUNTIME_DIR) return join(resolve(storeRoot), "run");
  const base = uid === 0 ? systemRunRoot : join(env.XDG_RUNTIME_DIR ?? "", "lade");
  const real = realPath(storeRoot);
  if (real === realPath(defaultStoreRoot)) return base;
  const hex = createHash("sha256").update(real).digest("hex").slice(0, shortHexSize);
  return join(base, hex);
}

function realPath(path: string): string {
  try {
    return fs.realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Makes the run root's folders where they are missing; only the owner may look inside. */
export function makeRunFolders(run: RunPaths): void {
  const { root, layers, layerUsers, containers, exits, netns, locks } = run;
  try {
    for (const folder of [root, layers, layerUsers, containers, exits, netns, locks]) {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
  } catch (error) {
    throw ioError(error, `make folders in ${root}`);
  }
}

const searchByGroup = 0o710;
/** Search by others is the lowest bit, so odd modes have it. */
const isSearchable = (mode: number) => mode % 2 === 1;

/**
 * Lets a group's members go through the run root to a socket in it: by name, without a list. All
 * else in it is for its owner alone.
 *
 * @param gid undefined: nobody else may
 */
export function openRunRoot(run: RunPaths, gid: number | undefined): void {
  makeRunFolders(run);
  if (gid === undefined) return;
  const folders = dirname(run.root) === systemRunRoot ? [systemRunRoot, run.root] : [run.root];
  for (const folder of folders) {
    const { mode, uid } = fs.statSync(folder);
    // One that all may go through (systemd makes it so for a socket's unit) needs nothing.
    if (isSearchable(mode)) continue;
    fs.chownSync(folder, uid, gid);
    fs.chmodSync(folder, searchByGroup);
  }
}
