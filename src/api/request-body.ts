// SPDX-License-Identifier: Apache-2.0

import type { Readable } from "node:stream";
import type { ByteSource } from "../base/bytes.ts";
import { LadeError, messageOf } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { type Schema, validate } from "../spec/schema.ts";

/**
 * The bytes of a body that may be long. What a client sends before it leaves is not the whole: the
 * source then fails, so that nothing half is taken for all.
 */
export function bodySource(stream: Readable): ByteSource {
  let held: Uint8Array | undefined;
  const chunks = stream.iterator({ destroyOnReturn: false });
  return {
    async read(target) {
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

/**
 * Reads a body that is one JSON document.
 *
 * @throws LadeError LIMIT_EXCEEDED, API_INVALID
 */
export async function readJson<T>(source: ByteSource, schema: Schema<T>): Promise<T> {
  const text = (await readSmall(source)).toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = text.trim() === "" ? "EOF" : messageOf(error);
    throw new LadeError("API_INVALID", `invalid JSON: ${message}`, { cause: error });
  }
  try {
    return validate(schema, value, "request body");
  } catch (error) {
    throw new LadeError("API_INVALID", messageOf(error), { cause: error });
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
