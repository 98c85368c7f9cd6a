// SPDX-License-Identifier: Apache-2.0

import type { IncomingHttpHeaders } from "node:http";
import type { ByteSource } from "../base/bytes.ts";
import type { Engine } from "../engine/engine.ts";
import type { Schema } from "../spec/schema.ts";
import type { Query } from "./query.ts";

/** One request, as a handler sees it. */
export interface Call {
  readonly engine: Engine;
  /** The parts of the path that the route names. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  /** Minor part of the version that the client asked for: 41 for 1.41. */
  readonly version: number;
  /** Aborted when the client leaves before the answer's end, and when the server stops. */
  readonly signal: AbortSignal;
  /** The body as it comes. */
  readonly body: ByteSource;
  /** Whether the client sent one. */
  readonly hasBody: boolean;
  /**
   * The body as JSON; an empty object where there is none.
   *
   * @throws LadeError API_INVALID for what is no JSON by its type or content, or does not fit the
   *   schema; LIMIT_EXCEEDED
   */
  json<T>(schema: Schema<T>): Promise<T>;
}

/** The parameter of that name; the route has it. */
export function param(call: Pick<Call, "params">, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new Error(`the route has no parameter ${name}`);
  return value;
}
