// SPDX-License-Identifier: Apache-2.0

import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { openStore, type Store } from "../content/store.ts";

/** The use cases' common ground: the open store. */
export interface Engine extends AsyncDisposable {
  readonly store: Store;
}

export interface EngineOptions {
  /** Folder of the store; the default where undefined or empty. */
  readonly root?: string | undefined;
}

/** Where the store is when nobody says: the system's for root, the user's own for others. */
export function defaultRoot(env: Readonly<Record<string, string | undefined>>): string {
  if (env.LADE_ROOT) return resolve(env.LADE_ROOT);
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
  return {
    store,
    async [Symbol.asyncDispose](): Promise<void> {
      store[Symbol.dispose]();
    },
  };
}
