// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { readLogs } from "./logs.ts";
import { whenMonitorEnds } from "./monitor.ts";
import type { ProcessPaths } from "./process-paths.ts";
import type { Attachment, AttachStreams } from "./types.ts";

/**
 * Shows a process's output from now on as its log has it.
 *
 * The monitor ends a process's input when anybody who is attached to its socket leaves, also one
 * who only looks on: who sends nothing stays away from the socket.
 *
 * @param logPath the process's log
 * @param from `start`: all that is in the log comes first
 */
export function attachToLog(
  paths: ProcessPaths,
  logPath: string,
  streams: AttachStreams,
  from: "now" | "start" = "now",
): Omit<Attachment, "resize"> {
  const stop = new AbortController();
  // Now: the process may be let go before the log is open.
  const size = fs.statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
  const startOffset = from === "start" ? 0 : size;
  const { promise: ended, resolve, reject } = Promise.withResolvers<"closed" | "detached">();
  const show = async () => {
    const { signal } = stop;
    // Whoever has left need not know of the end.
    const end = whenMonitorEnds(paths, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    const options = { follow: true, startOffset, isExact: true, ended: end, signal };
    const records = readLogs(logPath, options);
    for await (const { stream, bytes } of records) await streams[stream]?.(bytes);
    return stop.signal.aborted ? ("detached" as const) : ("closed" as const);
  };
  show().then(resolve, reject);
  return {
    ended,
    detach: () => stop.abort(),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended.catch(() => {});
    },
  };
}
