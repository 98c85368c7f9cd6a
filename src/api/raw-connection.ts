// SPDX-License-Identifier: Apache-2.0

/** Connections that leave HTTP: attach and exec. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex, Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { RawConnection } from "./answer.ts";
import { watchHangUp } from "./hang-up-watch.ts";
import { writeTo } from "./send.ts";
import type { Upgrade } from "./upgrade.ts";

/**
 * docker-py reads the head with a buffer, and goes on to read the connection without it: what comes
 * along with the head it loses.
 */
const headPauseMs = 10;

/** Says that HTTP ends here, in dockerd's words, and hands out the connection. */
export function takeOver(upgrade: Upgrade, contentType: string): RawConnection & Disposable {
  const { socket, response } = upgrade;
  response.detachSocket(socket as Socket);
  socket.write(
    "HTTP/1.1 101 UPGRADED\r\n" +
      `Content-Type: ${contentType}\r\nConnection: Upgrade\r\nUpgrade: ${upgrade.protocol}\r\n\r\n`,
  );
  let headRead: Promise<void> | undefined = delay(headPauseMs).then(() => {
    headRead = undefined;
  });
  const gone = whenGone(socket);
  watchHangUp(socket);
  return {
    input: inputOf(socket),
    async write(bytes) {
      if (headRead !== undefined) await headRead;
      await writeTo(socket, bytes);
    },
    gone,
    [Symbol.dispose]: () => endConnection(socket),
  };
}

/** How long a client may take to close its side, once ours is closed. */
const closeTimeoutMs = 10_000;

/**
 * Ends a connection whose client may still be sending: closed with something unread in it, the
 * client would be told of an error instead of the end.
 */
function endConnection(socket: Duplex): void {
  socket.end();
  const drain = () => {
    while (socket.read() !== null);
  };
  socket.on("readable", drain);
  drain();
  const timer = setTimeout(() => socket.destroy(), closeTimeoutMs).unref();
  socket.once("close", () => clearTimeout(timer));
}

/** The stream of a client that did not ask for an upgrade: its body is the input. */
export function answerRaw(
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  contentType: string,
): RawConnection & Disposable {
  // No length and no chunks: the stream ends with the connection.
  response.useChunkedEncodingByDefault = false;
  response.shouldKeepAlive = false;
  response.writeHead(200, { "Content-Type": contentType });
  response.flushHeaders();
  // Who closed one side and then left is told of by nothing else.
  watchHangUp(request.socket);
  const gone = whenGone(response);
  const hasBody =
    request.headers["transfer-encoding"] !== undefined ||
    Number(request.headers["content-length"] ?? 0) > 0;
  return {
    // Who sends no body has not ended the process's input with it.
    input: hasBody ? inputOf(request) : silence(gone),
    write: (bytes) => writeTo(response, bytes),
    gone,
    [Symbol.dispose]: () => void response.end(),
  };
}

function whenGone(stream: Duplex | ServerResponse): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort();
  // Who has left already is not told of again.
  if (stream.destroyed || stream.closed) abort();
  stream.once("close", abort);
  // What goes wrong with the connection is told to who writes; without a listener it would be thrown.
  stream.on("error", abort);
  return controller.signal;
}

/** A client that vanishes ends its input, as one does that closes its side. */
async function* inputOf(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk;
  } catch {}
}

/** Ends without a piece when the client has left. */
async function* silence(gone: AbortSignal): AsyncGenerator<Uint8Array> {
  if (gone.aborted) return;
  await new Promise<void>((resolve) => {
    gone.addEventListener("abort", () => resolve(), { once: true });
  });
}
