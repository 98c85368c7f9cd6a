// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { LadeError } from "../base/errors.ts";
import type { Host } from "./host.ts";
import { type HttpServer, makeHttpServer } from "./http-server.ts";
import { listenError, systemText } from "./listen-error.ts";
import { choosePassed, passedSocketPath } from "./listen-fd.ts";
import { bindUnix } from "./listen-unix.ts";
import type { Api } from "./server.ts";
import type { PassedSocket } from "./service-manager.ts";
import { type TlsFiles, tlsOptions } from "./tls.ts";
import type { Traffic } from "./traffic.ts";

export interface Listener extends AsyncDisposable {
  /** As it is shown: a path or an address. */
  readonly address: string;
  /** Takes no more connections; another server may listen there at once. */
  stop(): void;
}

export interface ListenOptions {
  readonly api: Api;
  readonly traffic: Traffic;
  readonly tls: TlsFiles | undefined;
  /** Who may use sockets in the file system, beside their owner. */
  readonly gid: number | undefined;
  readonly passed: readonly PassedSocket[];
}

/**
 * Listens on a host; on several sockets where a service manager passed so many.
 *
 * @throws LadeError LISTEN_FAILED
 */
export async function listen(host: Host, options: ListenOptions): Promise<Listener[]> {
  switch (host.type) {
    case "unix":
      return [await listenUnix(host.path, options)];
    case "tcp":
      return [await listenTcp(host, options)];
    case "fd": {
      const chosen = choosePassed(host.name, options.passed);
      return await Promise.all(chosen.map((socket) => listenPassed(socket, options)));
    }
  }
}

async function listenUnix(path: string, options: ListenOptions): Promise<Listener> {
  const http = makeHttpServer(options.api, options.traffic);
  const place = await bindUnix(http.server, { path, gid: options.gid });
  return listener(http, path, place);
}

async function listenTcp(
  { address, port }: Host & { readonly type: "tcp" },
  { api, traffic, tls }: ListenOptions,
): Promise<Listener> {
  const shown = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  if (tls === undefined) throw unprotected(`tcp://${shown}`);
  const http = makeHttpServer(api, traffic, tlsOptions(tls));
  try {
    await listening(http.server, { port, ...(address !== "" && { host: address }) });
  } catch (error) {
    throw listenError(`tcp ${shown}`, error);
  }
  return listener(http, addressOf(http.server));
}

async function listenPassed(
  socket: PassedSocket,
  { api, traffic, tls }: ListenOptions,
): Promise<Listener> {
  const path = passedSocketPath(socket);
  const isLocal = path !== undefined;
  if (!isLocal && tls === undefined) throw unprotected(`fd://${socket.fd}`);
  const http = makeHttpServer(
    api,
    traffic,
    isLocal || tls === undefined ? undefined : tlsOptions(tls),
  );
  try {
    await listening(http.server, { fd: socket.fd });
  } catch (error) {
    throw new LadeError("LISTEN_FAILED", `listen fd://${socket.fd}: ${systemText(error)}`, {
      cause: error,
    });
  }
  return listener(http, isLocal ? path || `fd://${socket.fd}` : addressOf(http.server));
}

/** Whoever reaches the API can be root on the machine. */
function unprotected(host: string): LadeError {
  return new LadeError(
    "LISTEN_FAILED",
    `listen ${host}: the API is served on TCP only to clients with a certificate`,
    { hint: "Give --tlsverify with --tlscacert, --tlscert and --tlskey, or listen on unix://." },
  );
}

async function listening(
  server: Server,
  where: { readonly host?: string; readonly port?: number; readonly fd?: number },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(where, resolve);
  await promise.finally(() => server.off("error", reject));
}

function addressOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return family === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`;
}

function listener(http: HttpServer, address: string, place?: Disposable): Listener {
  return {
    address,
    stop() {
      http.stopAccepting();
      place?.[Symbol.dispose]();
    },
    async [Symbol.asyncDispose]() {
      place?.[Symbol.dispose]();
      await http.close();
    },
  };
}

/**
 * The number of a group.
 *
 * @returns undefined where there is none of that name
 */
export function groupId(name: string, groupFile = "/etc/group"): number | undefined {
  if (/^\d{1,10}$/.test(name)) return Number(name);
  for (const line of fs.readFileSync(groupFile, "utf8").split("\n")) {
    const [found, , gid = ""] = line.split(":");
    if (found === name && /^\d+$/.test(gid)) return Number(gid);
  }
  return undefined;
}
