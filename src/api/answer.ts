// SPDX-License-Identifier: Apache-2.0

import type { GoJsonValue } from "../spec/go-json.ts";

/** What a handler gives back; `send.ts` brings it to the client. */
export type Answer =
  | { readonly type: "empty"; readonly status: number; readonly headers?: Headers }
  /** `body` must be plain JSON: no bigints, no maps. */
  | {
      readonly type: "json";
      readonly status: number;
      readonly body: unknown;
      readonly headers?: Headers;
    }
  | { readonly type: "text"; readonly status: number; readonly text: string }
  | StreamAnswer
  | RawAnswer;

type Headers = Readonly<Record<string, string>>;

/**
 * An answer whose length nobody knows before. A failure before the first write is answered as any
 * error; a later one cuts the connection before the last chunk, so that the client sees that it has
 * not got everything.
 */
export interface StreamAnswer {
  readonly type: "stream";
  readonly contentType: string;
  readonly headers?: Headers;
  send(sink: Sink): Promise<void>;
}

/** Where a stream goes. */
export interface Sink {
  /** Sends the headers, for who waits for something to happen; the first write does so, too. */
  start(): void;
  /**
   * Sends bytes.
   *
   * @returns when their memory may be used again
   * @throws LadeError PIPE_CLOSED where the client has left
   */
  write(bytes: Uint8Array): Promise<void>;
}

/** The connection leaves HTTP: what follows is the process's own bytes, both ways. */
export interface RawAnswer {
  readonly type: "raw";
  readonly contentType: string;
  /** The connection ends when it is done. What it throws is logged. */
  run(connection: RawConnection): Promise<void>;
}

export interface RawConnection {
  /** What the client sends; ends when it closes its side, or leaves. */
  readonly input: AsyncIterable<Uint8Array>;
  /**
   * Sends bytes, as one message where the connection has messages.
   *
   * @returns when their memory may be used again
   * @throws LadeError PIPE_CLOSED where the client has left
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Aborted when the client has left altogether. */
  readonly gone: AbortSignal;
}

export function json(body: unknown, status = 200): Answer {
  return { type: "json", status, body };
}

export function empty(status = 204): Answer {
  return { type: "empty", status };
}

export function text(words: string, status = 200): Answer {
  return { type: "text", status, text: words };
}

/** A value of a JSON stream: Docker's progress messages, events, statistics. */
export type JsonLine = GoJsonValue;
