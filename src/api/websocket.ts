// SPDX-License-Identifier: Apache-2.0

import { on } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { RawConnection } from "./answer.ts";
import type { Upgrade } from "./upgrade.ts";

/** Answers a websocket handshake; each write is one binary message, as dockerd sends them. */
export async function takeOverWebsocket(
  { socket, response }: Upgrade,
  request: IncomingMessage,
): Promise<RawConnection & Disposable> {
  const { WebSocketServer } = await import("./http-library.ts");
  response.detachSocket(socket as Socket);
  const server = new WebSocketServer({ noServer: true, maxPayload: limits.api.messageSize });
  const { promise, resolve } = Promise.withResolvers<WebSocket>();
  server.handleUpgrade(request, socket, Buffer.alloc(0), resolve);
  const client = await promise;
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

async function* messagesOf(client: WebSocket): AsyncGenerator<Uint8Array> {
  for await (const [message] of on(client, "message", { close: ["close"] })) yield message;
}
