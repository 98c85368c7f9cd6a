// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import * as http from "node:http";
import { LadeError, messageOf } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type Api, isUpgradeRequest } from "./server.ts";

export interface Listener extends AsyncDisposable {
  /** As it is shown: a path or an address. */
  readonly address: string;
}

/** Listens on a Unix socket. */
export async function listenUnix(api: Api, path: string): Promise<Listener> {
  const server = http.createServer({
    maxHeaderSize: limits.api.headersSize,
    headersTimeout: limits.api.headersTimeoutMs,
    // An archive of gigabytes takes as long as it takes.
    requestTimeout: 0,
    shouldUpgradeCallback: isUpgradeRequest,
  });
  server.on("request", api.onRequest);
  server.on("upgrade", api.onUpgrade);
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen(path, listening.resolve);
  try {
    await listening.promise;
  } catch (error) {
    throw new LadeError("LISTEN_FAILED", `listen unix ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  fs.chmodSync(path, 0o660);
  return {
    address: path,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}
