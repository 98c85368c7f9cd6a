// SPDX-License-Identifier: Apache-2.0

/** Node's HTTP server with lade's limits: what a client may do to it, whatever it sends. */

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { messageOf } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { toJson } from "./send.ts";
import { type Api, isUpgradeRequest } from "./server.ts";
import type { Traffic } from "./traffic.ts";

export interface HttpServer {
  readonly server: Server;
  /** Ends connections that wait for a request, and accepts no more. */
  stopAccepting(): void;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** How often connections are looked at that have sent too little for too long. */
const checkMs = 5_000;
/** How long a client may take to read why it is not listened to any more. */
const lingerMs = 500;

/** @param tls undefined: who connects is trusted by the socket's own permissions */
export function makeHttpServer(api: Api, traffic: Traffic, tls?: ServerOptions): HttpServer {
  const options = {
    maxHeaderSize: limits.api.headersSize,
    headersTimeout: limits.api.headersTimeoutMs,
    keepAliveTimeout: limits.api.keepAliveMs,
    connectionsCheckingInterval: checkMs,
    // An archive of gigabytes takes as long as it takes.
    requestTimeout: 0,
    shouldUpgradeCallback: isUpgradeRequest,
  };
  const server =
    tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tls });
  // Node leaves out what is more, unsaid; `checkHeaders` refuses it.
  server.maxHeadersCount = 0;
  server.maxConnections = limits.api.connections;
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  listenTo(server, api, traffic);
  return {
    server,
    stopAccepting() {
      server.close();
      server.closeIdleConnections();
    },
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      // Connections that left HTTP are among them.
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

function listenTo(server: Server, api: Api, traffic: Traffic): void {
  /** What of each connection has no whole answer yet, in the order of the requests. */
  const pending = new WeakMap<Duplex, Set<ServerResponse>>();
  const pendingOn = (socket: Duplex) => pending.getOrInsertComputed(socket, () => new Set());

  server.on("request", (request, response) => {
    const refusal = checkHeaders(request) ?? busy(traffic.admit(response));
    if (refusal !== undefined) {
      response.shouldKeepAlive = false;
      const { status, message } = refusal;
      response.writeHead(status, { "Content-Type": "application/json" }).end(toJson({ message }));
      return;
    }
    const { socket } = request;
    pendingOn(socket).add(response);
    response.once("close", () => pendingOn(socket).delete(response));
    api.onRequest(request, response);
  });

  server.on("upgrade", (request, socket, head) => {
    const refusal = checkHeaders(request) ?? busy(traffic.admit(socket));
    if (refusal !== undefined) endWith(socket, refusal);
    // It came behind a request that is not answered yet: no client of Docker's does that.
    else if (pendingOn(socket).size > 0) socket.destroy();
    else api.onUpgrade(request, socket, head);
  });

  server.on("clientError", (error: Error & { code?: string }, socket) => {
    api.log.debug({ code: error.code }, `malformed request: ${messageOf(error)}`);
    const last = [...pendingOn(socket)].at(-1);
    // Behind a whole request: that one is answered, and nothing after it.
    if (socket.writable && last?.req.complete === true) last.shouldKeepAlive = false;
    else if (!socket.writable || last !== undefined) socket.destroy();
    else endWith(socket, { status: statusOf(error.code), message: messageOf(error) });
  });

  server.on("drop", () => {
    api.log.warn(`connection refused: ${limits.api.connections} are open`);
  });
  server.on("tlsClientError", (error: Error) => {
    api.log.info(`TLS handshake failed: ${messageOf(error)}`);
  });
}

interface Refusal {
  readonly status: number;
  readonly message: string;
}

function checkHeaders({ rawHeaders }: IncomingMessage): Refusal | undefined {
  // Names and values, one after the other.
  if (rawHeaders.length / 2 <= limits.api.headersCount) return undefined;
  return { status: 431, message: `more than ${limits.api.headersCount} headers` };
}

function busy(message: string | undefined): Refusal | undefined {
  return message === undefined ? undefined : { status: 503, message };
}

function statusOf(code: string | undefined): number {
  if (code === "HPE_HEADER_OVERFLOW") return 431;
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
}

/** Answers on a connection that HTTP has been lost on, and ends it. */
function endWith(socket: Duplex, { status, message }: Refusal): void {
  const body = toJson({ message });
  socket.on("error", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  // Closed with something unread, TCP would take back the answer that the client has not read yet.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}
