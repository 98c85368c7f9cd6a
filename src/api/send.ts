// SPDX-License-Identifier: Apache-2.0

/** Brings an answer to a client. */

import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import { LadeError } from "../base/errors.ts";
import { formatGoJson, type GoJsonValue } from "../spec/go-json.ts";
import type { Answer, Sink, StreamAnswer } from "./answer.ts";

/** JSON as Docker sends it in streams: with a newline at its end. Bigints are written as numbers. */
export function toJson(body: unknown): string {
  return `${formatGoJson(body as GoJsonValue)}\n`;
}

/**
 * Writes bytes and waits until they are out of our hands.
 *
 * @throws LadeError PIPE_CLOSED
 */
export function writeTo(stream: Writable, bytes: Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const left = (cause?: unknown) =>
    reject(new LadeError("PIPE_CLOSED", "the client has left", { cause }));
  if (stream.destroyed || stream.closed) left();
  else {
    // A response whose connection has gone never calls back for what still waited to go out.
    const closed = () => left();
    stream.once("close", closed);
    stream.write(bytes, (error) => {
      stream.off("close", closed);
      if (error) left(error);
      else resolve();
    });
  }
  return promise;
}

/** Sends an answer that is not raw; rejects only before anything of it was sent. */
export async function send(
  response: ServerResponse,
  answer: Exclude<Answer, { type: "raw" }>,
): Promise<void> {
  if (answer.type === "stream") return await sendStream(response, answer);
  const [contentType, body] =
    answer.type === "empty"
      ? [undefined, ""]
      : answer.type === "text"
        ? ["text/plain; charset=utf-8", answer.text]
        : ["application/json", `${JSON.stringify(answer.body)}\n`];
  const headers = "headers" in answer ? answer.headers : undefined;
  const hasNoBody = answer.status === 204 || answer.status === 304;
  response.writeHead(answer.status, {
    ...headers,
    ...(contentType !== undefined && { "Content-Type": contentType }),
    ...(!hasNoBody && { "Content-Length": Buffer.byteLength(body) }),
  });
  // As text it goes out in one write with the headers.
  response.end(hasNoBody ? undefined : body);
}

async function sendStream(response: ServerResponse, answer: StreamAnswer): Promise<void> {
  const sink: Sink = {
    start() {
      if (response.headersSent) return;
      response.writeHead(200, { "Content-Type": answer.contentType, ...answer.headers });
      response.flushHeaders();
    },
    async write(bytes) {
      if (!response.headersSent) {
        response.writeHead(200, { "Content-Type": answer.contentType, ...answer.headers });
      }
      if (bytes.length > 0) await writeTo(response, bytes);
    },
  };
  try {
    await answer.send(sink);
  } catch (error) {
    // Without the last chunk the client sees that something is missing.
    if (response.headersSent) response.destroy();
    throw error;
  }
  sink.start();
  response.end();
}
