// SPDX-License-Identifier: Apache-2.0

import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { bootId } from "../content/boot.ts";
import { openStore, type Store } from "../content/store.ts";
import { defaultRunRoot, type RunPaths, runPaths } from "../rootfs/run-paths.ts";
import { selfCommand } from "./self.ts";

/** The use cases' common ground: the open store, and where what runs is kept. */
export interface Engine extends AsyncDisposable {
  readonly store: Store;
  /** Mounts, sockets and pids. Its folders are made by what first needs them. */
  readonly run: RunPaths;
  /** The words that start lade again. */
  readonly self: readonly string[];
  /** Names this run of the kernel: a process of another one is gone. */
  readonly bootId: string;
  /** Undefined where the process ends with its use case; others see to ends of containers then. */
  readonly background?: Background | undefined;
}

/** What a process that lives on does for containers after the use case that started them. */
export interface Background {
  /** Starts a container again whose time has come, in place of the process that waits for that. */
  restart(engine: Engine, id: string, waiter: Waiter): Promise<void>;
  /** What must not be cut off half done: closing the engine waits for it. */
  readonly underWay: Set<Promise<unknown>>;
}

/** The process that waits to start a container again. */
export interface Waiter {
  readonly pid: number;
  readonly startTicks: number;
}

export interface EngineOptions {
  /** Folder of the store; the default where undefined or empty. */
  readonly root?: string | undefined;
  /** Folder for what lives no longer than the machine runs; found by the store's where undefined. */
  readonly runRoot?: string | undefined;
  readonly self?: readonly string[] | undefined;
  /**
   * The process ends with the engine: the database is left as a crash would leave it, which its log
   * is made for. Closing it would fold the log into it and remove it, which costs five syncs, and
   * the next command two more for making it again.
   */
  readonly endsWithProcess?: boolean | undefined;
  readonly bootId?: string | undefined;
  /** For servers: what becomes of containers that it starts is this process's business. */
  readonly staysAwake?: boolean | undefined;
}

/** Where the store is when nobody says: the system's for root, the user's own for others. */
export function defaultRoot(env: Readonly<Record<string, string | undefined>>): string {
  if (env.LADE_ROOT) return resolve(env.LADE_ROOT);
  return usualRoot(env);
}

function usualRoot(env: Readonly<Record<string, string | undefined>>): string {
  if (process.getuid?.() === 0) return "/var/lib/lade";
  return join(env.XDG_DATA_HOME || join(homedir(), ".local", "share"), "lade");
}

/**
 * Opens the engine on a store, making the store at first use.
 *
 * @throws LadeError STORE_DENIED, STORE_VERSION, STORE_DAMAGED, DISK_FULL
 */
export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  const root = options.root ? resolve(options.root) : defaultRoot(process.env);
  const store = openStore(root);
  let run: RunPaths | undefined;
  const background = options.staysAwake === true ? await makeBackground() : undefined;
  return {
    store,
    get run() {
      run ??= runPaths(options.runRoot ? resolve(options.runRoot) : runRootOf(root));
      return run;
    },
    self: options.self ?? selfCommand(),
    background,
    get bootId() {
      return options.bootId ?? bootId();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await background?.done();
      if (options.endsWithProcess !== true) store[Symbol.dispose]();
    },
  };
}

async function makeBackground(): Promise<Background & { done(): Promise<void> }> {
  const { restartForWaiter } = await import("./cleanup.ts");
  const underWay = new Set<Promise<unknown>>();
  return {
    restart: restartForWaiter,
    underWay,
    async done() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}

function runRootOf(storeRoot: string): string {
  const { env } = process;
  const uid = process.getuid?.() ?? 0;
  return defaultRunRoot({ storeRoot, defaultStoreRoot: usualRoot(env), env, uid });
}
