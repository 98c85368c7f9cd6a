// SPDX-License-Identifier: Apache-2.0

import { messageOf } from "../base/errors.ts";
import { humanSize } from "../base/human-size.ts";
import type { ProgressListener } from "../base/progress.ts";
import { progressBar } from "../base/progress-bar.ts";
import { formatGoJson, type GoJsonValue } from "../spec/go-json.ts";
import type { Sink } from "./answer.ts";

/** Docker's progress messages: one JSON document a line, of what is going on. */
export interface JsonStream {
  /** Sends a message, after all that was sent before. */
  send(message: GoJsonValue): Promise<void>;
  /** Progress, of which messages are left out where the client is slow. */
  progress(message: GoJsonValue): void;
}

export function jsonStream(sink: Sink): JsonStream {
  let sent = Promise.resolve();
  let isBusy = false;
  const send = (message: GoJsonValue) => {
    sent = sent.then(() => sink.write(Buffer.from(`${formatGoJson(message)}\r\n`)));
    // Whoever sends the next message meets its failure.
    sent.catch(() => {});
    return sent;
  };
  return {
    send,
    progress(message) {
      if (isBusy) return;
      isBusy = true;
      const done = () => {
        isBusy = false;
      };
      send(message).then(done, done);
    },
  };
}

/** How an error is told when the answer has begun. */
export function errorMessage(error: unknown): GoJsonValue {
  const message = messageOf(error);
  return { errorDetail: { message }, error: message };
}

const intervalMs = 100;

/**
 * Sends what is done of each layer, ten times a second and at its end.
 *
 * @param status what is being done: `Loading layer`
 */
export function layerProgress(stream: JsonStream, status: string): ProgressListener {
  const lastMs = new Map<string, number>();
  return (event) => {
    if (event.type !== "layer") return;
    const { id: name, current, total } = event;
    const nowMs = performance.now();
    const isDone = current === total;
    if (!isDone && nowMs - (lastMs.get(name) ?? -intervalMs) < intervalMs) return;
    lastMs.set(name, nowMs);
    const message: GoJsonValue = {
      status,
      progressDetail: { current, ...(total !== undefined && { total }) },
      progress: barText(current, total),
      id: layerName(name),
    };
    if (isDone) void stream.send(message).catch(() => {});
    else stream.progress(message);
  };
}

/** The short digest in a digest or a member's name, such as `blobs/sha256/…`; else the name. */
function layerName(id: string): string {
  return /[0-9a-f]{64}/.exec(id)?.[0].slice(0, 12) ?? id;
}

/** Docker's bar and numbers, for clients that print them: `[=====>     ]  5.5MB/11MB`. */
function barText(current: number, total: number | undefined): string {
  const done = humanSize(current).padStart(8);
  if (total === undefined || total <= 0) return done;
  const numbers = current > total ? done : `${done}/${humanSize(total)}`;
  return `${progressBar(current, total)} ${numbers}`;
}
