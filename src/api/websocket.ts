// SPDX-License-Identifier: Apache-2.0

import { on } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { RawConnection } from "./answer.ts";
import type { Upgrade } from "./upgrade.ts";

/**
 * Answers a websocket handshake; each write is one binary message, as dockerd sends them.
 *
 * @throws LadeError PIPE_CLOSED for a handshake that is none, which was answered, and for a client
 *   that has left
 */
export async function takeOverWebsocket(
  { socket, response }: Upgrade,
  request: IncomingMessage,
): Promise<RawConnection & Disposable> {
  const { WebSocketServer } = await import("./http-library.ts");
  response.detachSocket(socket as Socket);
  const server = new WebSocketServer({ noServer: true, maxPayload: limits.api.messageSize });
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  const left = () => reject(new LadeError("PIPE_CLOSED", "the client has left"));
  if (socket.destroyed) left();
  socket.once("close", left);
  server.handleUpgrade(request, socket, Buffer.alloc(0), resolve);
  const client = await promise.finally(() => socket.off("close", left));
  const gone = new AbortController();
  client.once("close", () => gone.abort());
  client.on("error", () => gone.abort());
  return {
    input: messagesOf(client),
    write(bytes) {
      const written = Promise.withResolvers<void>();
      client.send(bytes, { binary: true }, (cause) =>
        cause
          ? written.reject(new LadeError("PIPE_CLOSED", "the client has left", { cause }))
          : written.resolve(),
      );
      return written.promise;
    },
    gone: gone.signal,
    [Symbol.dispose]: () => client.close(),
  };
}

/** Messages that wait for a slow process; the client waits beyond that. */
const mostWaiting = 4;

async function* messagesOf(client: WebSocket): AsyncGenerator<Uint8Array> {
  const options = { close: ["close"], highWaterMark: mostWaiting, lowWaterMark: 1 };
  try {
    for await (const [message] of on(client, "message", options)) yield message;
  } catch {
    // A client that vanishes ends its input.
  }
}
