// SPDX-License-Identifier: Apache-2.0

import type { Engine } from "../engine/engine.ts";
import { makeRunFolders } from "../rootfs/run-paths.ts";
import { listenUnix } from "./listen.ts";
import { makeApi } from "./server.ts";

export interface ServeOptions {
  /** `unix:///PATH`. */
  readonly hosts: readonly string[];
  /** Told each address, once it is listened on. */
  readonly onListening: (address: string) => void;
  readonly log: (line: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Answers Docker's Engine API until it is told to stop. */
export async function serve(engine: Engine, options: ServeOptions): Promise<void> {
  const { signal, log, hosts, onListening } = options;
  makeRunFolders(engine.run);
  await using api = await makeApi({ engine, log, signal });
  await using stack = new AsyncDisposableStack();
  for (const host of hosts) {
    const listener = stack.use(await listenUnix(api, host.replace(/^unix:\/\//, "")));
    onListening(listener.address);
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}
