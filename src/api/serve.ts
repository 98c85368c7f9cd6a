// SPDX-License-Identifier: Apache-2.0

import { isLadeError, LadeError, messageOf } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Engine } from "../engine/engine.ts";
import { startAfterBoot } from "../engine/start-after-boot.ts";
import { openRunRoot } from "../rootfs/run-paths.ts";
import { type Host, parseHost } from "./host.ts";
import { groupId, type Listener, listen } from "./listen.ts";
import { type Api, makeApi } from "./server.ts";
import { takeServiceManager } from "./service-manager.ts";
import type { TlsFiles } from "./tls.ts";
import { countTraffic, type Traffic } from "./traffic.ts";

export interface ServeOptions {
  /** `unix:///PATH`, `fd://` or `tcp://HOST:PORT`. */
  readonly hosts: readonly string[];
  /** Whose members may use sockets in the file system, too. */
  readonly group: { readonly name: string; readonly isGiven: boolean };
  /** For TCP, which is not served without. */
  readonly tls: TlsFiles | undefined;
  /** Takes JSON lines, the first of them with each address that is listened on. */
  readonly log: (line: string) => void;
  readonly isDebug: boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** How long requests that are cut short may take to tidy up. */
const tidyMs = 2_000;

/**
 * Answers Docker's Engine API until it is told to stop. Starts the containers that a reboot ended and
 * whose restart policy wants it.
 *
 * @throws LadeError USAGE, LISTEN_FAILED
 */
export async function serve(engine: Engine, options: ServeOptions): Promise<void> {
  const { signal, log, isDebug } = options;
  const hosts = options.hosts.map(parseHost);
  checkTls(hosts, options.tls);
  const manager = takeServiceManager(process.env, process.pid);
  const gid = socketGroup(options.group);
  openRunRoot(engine.run, gid);
  const cut = new AbortController();
  await using api = await makeApi({ engine, log, isDebug, signal, cutSignal: cut.signal });
  const traffic = countTraffic();
  await using stack = new AsyncDisposableStack();
  const listeners: Listener[] = [];
  for (const host of hosts) {
    const given = { api, traffic, tls: options.tls, gid, passed: manager.sockets };
    for (const listener of await listen(host, given)) listeners.push(stack.use(listener));
  }
  for (const { address } of listeners) api.log.info(`API listen on ${address}`);
  manager.notify("READY=1");
  const started = startAfterBoot(engine, { signal, onFault: (fault) => logFault(api, fault) });
  await whenAborted(signal);
  manager.notify("STOPPING=1");
  api.log.info("stopping");
  for (const listener of listeners) listener.stop();
  await Promise.all([drain(traffic, cut), started]);
}

async function drain(traffic: Traffic, cut: AbortController): Promise<void> {
  traffic.close();
  if (await traffic.drained(limits.api.stopGraceMs)) return;
  cut.abort();
  await traffic.drained(tidyMs);
}

function logFault(api: Api, { name, error }: { readonly name: string; readonly error: unknown }) {
  const code = isLadeError(error) ? { code: error.code } : { err: error };
  api.log.error({ container: name, ...code }, `failed to start container: ${messageOf(error)}`);
}

/** A flag that would do nothing is a mistake, and here one about who gets in. */
function checkTls(hosts: readonly Host[], tls: TlsFiles | undefined): void {
  if (tls === undefined || hosts.some(({ type }) => type !== "unix")) return;
  throw new LadeError("USAGE", "--tlsverify is for tcp:// and fd://, and no such host is given");
}

/** @throws LadeError USAGE for a group that was asked for and is not there */
function socketGroup(group: ServeOptions["group"]): number | undefined {
  // Another user can't give a socket away.
  if (process.getuid?.() !== 0) return undefined;
  const gid = groupId(group.name);
  if (gid === undefined && group.isGiven) {
    throw new LadeError("USAGE", `group ${group.name} not found`);
  }
  return gid;
}

async function whenAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}
