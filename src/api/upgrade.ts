// SPDX-License-Identifier: Apache-2.0

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** A request that asked to leave HTTP, and the connection that Node has handed over. */
export interface Upgrade {
  readonly socket: Duplex;
  /** `tcp` or `websocket`. */
  readonly protocol: string;
  /** Bound to the connection for as long as it speaks HTTP. */
  readonly response: ServerResponse;
}

/**
 * Whether a request may leave HTTP. Others that ask for it (`docker build` for `h2c`) are answered as
 * if they had not, as HTTP allows.
 */
export function isUpgradeRequest({ headers, url = "" }: IncomingMessage): boolean {
  const [path = ""] = url.split("?");
  switch (headers.upgrade?.toLowerCase()) {
    case "tcp":
      return /\/containers\/.+\/attach$|\/exec\/.+\/start$/.test(path);
    case "websocket":
      return /\/containers\/.+\/attach\/ws$/.test(path);
    default:
      return false;
  }
}
