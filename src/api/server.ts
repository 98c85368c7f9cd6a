// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex, Writable } from "node:stream";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { firstThrown, isLadeError, LadeError, messageOf } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { version } from "../base/version.ts";
import type { Engine } from "../engine/engine.ts";
import { type Answer, json, type RawAnswer } from "./answer.ts";
import { newestVersion, takeVersion } from "./api-version.ts";
import type { Call } from "./call.ts";
import { statusOf } from "./http-status.ts";
import { lingerAtEnd } from "./linger.ts";
import { parseQuery } from "./query.ts";
import { answerRaw, takeOver } from "./raw-connection.ts";
import { bodySource, readJson } from "./request-body.ts";
import { compileRoutes } from "./route.ts";
import { routes } from "./routes.ts";
import { send } from "./send.ts";
import { isUpgradeRequest, type Upgrade } from "./upgrade.ts";
import { takeOverWebsocket } from "./websocket.ts";

/** Docker's Engine API on an engine; listeners hand it what they get. */
export interface Api extends AsyncDisposable {
  readonly log: FastifyBaseLogger;
  onRequest(request: IncomingMessage, response: ServerResponse): void;
  /** For requests of which {@link isUpgradeRequest} is true. */
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface ApiOptions {
  readonly engine: Engine;
  /** Takes JSON lines: errors, and with `isDebug` each request that ended. */
  readonly log: (line: string) => void;
  readonly isDebug: boolean;
  /** Aborted when the server is to stop: streams end, waits are given up. */
  readonly signal: AbortSignal;
  /** Aborted when the server stops for good: all else is given up, too. */
  readonly cutSignal: AbortSignal;
}

/** One request under way. */
interface Exchange {
  readonly options: ApiOptions;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly upgrade: Upgrade | undefined;
  readonly log: FastifyBaseLogger;
}

const findRoute = compileRoutes(routes);

/** Headers of every answer, which clients learn the version from. */
const commonHeaders: readonly (readonly [string, string])[] = [
  ["Api-Version", `1.${newestVersion}`],
  ["Docker-Experimental", "false"],
  ["Ostype", "linux"],
  ["Server", `lade/${version} (linux)`],
];

/** Makes the API; nothing listens yet. */
export async function makeApi(options: ApiOptions): Promise<Api> {
  const upgrades = new WeakMap<IncomingMessage, Upgrade>();
  const { fastify, LogController } = await import("./http-library.ts");
  const app = fastify({
    logger: {
      level: options.isDebug ? "debug" : "info",
      stream: { write: options.log },
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
      serializers: { req: ({ method, url }) => ({ method, path: pathOf(url) }) },
    },
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    // Names of images are in paths; what they may be is for the use case to say.
    routerOptions: { maxParamLength: limits.api.headersSize },
  });
  // Handlers read bodies themselves: an archive of gigabytes goes to the store as it comes.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _body, done) => done(null));
  app.addHook("onResponse", async (request, reply) => {
    const { method, url } = request;
    const status = reply.raw.statusCode;
    const timeMs = Math.round(reply.elapsedTime);
    request.log.debug({ method, path: pathOf(url), status, timeMs }, "request");
  });
  app.all("*", async (request, reply) => {
    reply.hijack();
    const upgrade = upgrades.get(request.raw);
    await exchange({
      options,
      request: request.raw,
      response: reply.raw,
      upgrade,
      log: request.log,
    });
  });
  await app.ready();
  return apiOf(app, upgrades);
}

/** What of a URL may be in a log: its query can name sources with a password in them. */
function pathOf(url: string): string {
  return url.split("?", 1)[0] ?? "";
}

function apiOf(app: FastifyInstance, upgrades: WeakMap<IncomingMessage, Upgrade>): Api {
  return {
    log: app.log,
    onRequest: (request, response) => app.routing(request, response),
    onUpgrade(request, socket, head) {
      // Until it is known that the connection leaves HTTP, an error is answered as any other.
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(socket as Parameters<ServerResponse["assignSocket"]>[0]);
      response.once("finish", () => socket.end());
      socket.on("error", () => socket.destroy());
      socket.unshift(head);
      upgrades.set(request, { socket, protocol: request.headers.upgrade ?? "tcp", response });
      app.routing(request, response);
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
}

async function exchange(state: Exchange): Promise<void> {
  const { request, response, upgrade, log } = state;
  for (const [name, value] of commonHeaders) response.setHeader(name, value);
  const stream = upgrade?.socket ?? response;
  // Without a listener it would be thrown; who writes is told of it.
  response.on("error", () => stream.destroy());
  try {
    const answer = await answerOf(state, stream);
    if (answer.type === "raw") await runRaw(state, answer);
    else {
      closeUnlessRead(request, response);
      await send(response, answer);
    }
  } catch (caught) {
    const first = firstThrown(caught);
    const error = state.options.signal.aborted ? asStopped(first) : first;
    if (!isLadeError(error, "PIPE_CLOSED") && !stream.destroyed) logError(log, error);
    closeUnlessRead(request, response);
    if (!response.headersSent && !stream.destroyed) await send(response, errorAnswer(error));
    else stream.destroy();
  }
}

/** What the server's own stop has ended is no bug. */
function asStopped(error: unknown): unknown {
  const isAbort = error instanceof Error && error.name === "AbortError";
  return isAbort ? new LadeError("API_STOPPED", "the server is stopping", { cause: error }) : error;
}

/** A client that still sends what nobody will read is not listened to to its end. */
function closeUnlessRead(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || response.headersSent) return;
  response.shouldKeepAlive = false;
  lingerAtEnd(request);
}

function logError(log: FastifyBaseLogger, error: unknown): void {
  const status = statusOf(error);
  // What lade does not do at all is the client's affair.
  if (status < 500 || status === 501) return;
  // What is not a LadeError is a bug: its stack says where.
  log.error(
    isLadeError(error) ? { code: error.code, cause: error.cause } : { err: error },
    messageOf(error),
  );
}

function errorAnswer(error: unknown): Exclude<Answer, { type: "raw" }> {
  return json({ message: messageOf(error) }, statusOf(error)) as Exclude<Answer, { type: "raw" }>;
}

async function answerOf(state: Exchange, stream: Writable): Promise<Answer> {
  const { request, options } = state;
  const [pathText = "", ...queryParts] = (request.url ?? "").split("?");
  const { version: apiVersion, path } = takeVersion(decodePath(pathText));
  const matched = findRoute(request.method ?? "", path);
  if (matched === undefined) return json({ message: "page not found" }, 404);
  if (matched.route.support.is === "absent") {
    throw new LadeError("UNSUPPORTED", matched.route.support.reason);
  }
  const stop = matched.route.isWatching === true ? options.signal : options.cutSignal;
  let signal: AbortSignal | undefined;
  const hasBody = bodySize(request) !== 0;
  // Also of one that asks for an upgrade: Node parses the body before it hands the connection over.
  const body = bodySource(request);
  const call: Call = {
    engine: options.engine,
    params: matched.params,
    query: parseQuery(queryParts.join("?")),
    headers: request.headers,
    version: apiVersion,
    // Most requests are answered before they would look at it.
    get signal() {
      signal ??= untilGone(stream, stop);
      return signal;
    },
    body,
    hasBody,
    json: (schema) => readJson({ headers: request.headers, body, hasBody }, schema),
  };
  return await matched.route.handle(call);
}

/** Aborted when the client has left, or the server stops. */
function untilGone(stream: Writable, stop: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort();
  // Not `AbortSignal.any`: it would stay known to the server's own signal for as long as that lives.
  stop.addEventListener("abort", abort);
  stream.once("close", () => {
    stop.removeEventListener("abort", abort);
    abort();
  });
  if (stop.aborted || stream.destroyed) abort();
  return controller.signal;
}

/** Undefined where it is not told before. */
function bodySize({ headers }: IncomingMessage): number | undefined {
  if (headers["transfer-encoding"] !== undefined) return undefined;
  return Number(headers["content-length"] ?? 0);
}

/** @throws LadeError API_INVALID */
function decodePath(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new LadeError("API_INVALID", `invalid URL escape in ${text}`, { cause: error });
  }
}

async function runRaw(state: Exchange, answer: RawAnswer): Promise<void> {
  const { upgrade, request, response } = state;
  using connection =
    upgrade === undefined
      ? answerRaw({ request, response }, answer.contentType)
      : isWebsocket(upgrade)
        ? await takeOverWebsocket(upgrade, request)
        : takeOver(upgrade, answer.contentType);
  await answer.run(connection);
}

function isWebsocket(upgrade: Upgrade): boolean {
  return upgrade.protocol.toLowerCase() === "websocket";
}

export { isUpgradeRequest };
