// SPDX-License-Identifier: Apache-2.0

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";

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

/**
 * The body of a request that asked for an upgrade. Node leaves it on the connection: what follows the
 * headers is the new protocol's to it, while Docker's clients still send the body of HTTP first.
 *
 * @throws LadeError API_INVALID for a body without a length, LIMIT_EXCEEDED, PIPE_CLOSED
 */
export async function upgradeBody({ socket }: Upgrade, request: IncomingMessage): Promise<Buffer> {
  const { headers } = request;
  if (headers["transfer-encoding"] !== undefined) {
    throw new LadeError("API_INVALID", "a request for an upgrade must tell the length of its body");
  }
  const size = Number(headers["content-length"] ?? 0);
  if (size > limits.api.jsonBodySize) {
    throw new LadeError(
      "LIMIT_EXCEEDED",
      `request body: more than ${limits.api.jsonBodySize} bytes`,
    );
  }
  const parts: Buffer[] = [];
  let missing = size;
  while (missing > 0) {
    const part: Buffer | null = socket.read();
    if (part === null) {
      await readable(socket);
      continue;
    }
    if (part.length > missing) socket.unshift(part.subarray(missing));
    parts.push(part.subarray(0, missing));
    missing -= Math.min(missing, part.length);
  }
  return Buffer.concat(parts, size);
}

function readable(socket: Duplex): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const left = () => reject(new LadeError("PIPE_CLOSED", "the client has left"));
  if (socket.readableEnded || socket.destroyed) left();
  const ways = { readable: resolve, end: left, close: left };
  for (const [name, listener] of Object.entries(ways)) socket.once(name, listener);
  return promise.finally(() => {
    for (const [name, listener] of Object.entries(ways)) socket.off(name, listener);
  });
}
