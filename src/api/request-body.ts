// SPDX-License-Identifier: Apache-2.0

import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { ByteSource } from "../base/bytes.ts";
import { LadeError, messageOf } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type Schema, validate } from "../spec/schema.ts";
import { inTime } from "./in-time.ts";

/**
 * The bytes of a body that may be long. What a client sends before it leaves is not the whole: the
 * source then fails, so that nothing half is taken for all.
 */
export function bodySource(stream: Readable): ByteSource {
  let held: Uint8Array | undefined;
  let chunks: AsyncIterator<Uint8Array> | undefined;
  return {
    async read(target) {
      chunks ??= stream.iterator({ destroyOnReturn: false });
      while (held === undefined || held.length === 0) {
        const next = await nextChunk(chunks);
        if (next === undefined) return 0;
        held = next;
      }
      const part = held.subarray(0, target.length);
      target.set(part);
      held = held.subarray(part.length);
      return part.length;
    },
  };
}

async function nextChunk(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    const next = await chunks.next();
    return next.done === true ? undefined : next.value;
  } catch (error) {
    throw new LadeError("PIPE_CLOSED", `request body: ${messageOf(error)}`, { cause: error });
  }
}

/** What of a request says whether and how it has a body. */
export interface JsonRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: ByteSource;
  readonly hasBody: boolean;
}

/**
 * Reads a body that is one JSON document. One that is not there is as an empty object.
 *
 * Source: `ReadJSON` of moby (daemon/server/httputils/httputils.go).
 *
 * @throws LadeError LIMIT_EXCEEDED, API_INVALID
 */
export async function readJson<T>(request: JsonRequest, schema: Schema<T>): Promise<T> {
  checkIsJson(request);
  const value = request.hasBody ? await parseBody(request.body) : {};
  try {
    // Go takes null for a document without members.
    return validate(schema, value ?? {}, "request body");
  } catch (error) {
    throw new LadeError("API_INVALID", messageOf(error), { cause: error });
  }
}

/** A browser can be made to send a form or a text to a socket, but not JSON. */
function checkIsJson({ headers, hasBody }: JsonRequest): void {
  const given = headers["content-type"] ?? "";
  if (given === "" && !hasBody) return;
  const [type = ""] = given.split(";");
  if (type.trim().toLowerCase() === "application/json") return;
  const message =
    type.trim() === ""
      ? `malformed Content-Type header (${given}): mime: no media type`
      : `unsupported Content-Type header (${given}): must be 'application/json'`;
  throw new LadeError("API_INVALID", message);
}

async function parseBody(body: ByteSource): Promise<unknown> {
  const text = (await inTime(readSmall(body))).toString("utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    const fault = messageOf(error);
    const message =
      text.trim() === ""
        ? "invalid JSON: got EOF while reading request body"
        : fault.includes("after JSON")
          ? "unexpected content after JSON"
          : `invalid JSON: ${fault}`;
    throw new LadeError("API_INVALID", message, { cause: error });
  }
}

async function readSmall(source: ByteSource): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for (;;) {
    const part = Buffer.allocUnsafe(16 * 1024);
    const count = await source.read(part);
    if (count === 0) return Buffer.concat(parts, size);
    size += count;
    if (size > limits.api.jsonBodySize) {
      throw new LadeError(
        "LIMIT_EXCEEDED",
        `request body: more than ${limits.api.jsonBodySize} bytes`,
      );
    }
    parts.push(part.subarray(0, count));
  }
}
