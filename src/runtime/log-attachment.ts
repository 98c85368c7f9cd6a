// SPDX-License-Identifier: Apache-2.0

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
 */
export function attachToLog(
  paths: ProcessPaths,
  logPath: string,
  streams: AttachStreams,
): Omit<Attachment, "resize"> {
  const stop = new AbortController();
  const { promise: ended, resolve, reject } = Promise.withResolvers<"closed" | "detached">();
  const show = async () => {
    const { signal } = stop;
    // Whoever has left need not know of the end.
    const end = whenMonitorEnds(paths, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    const options = { follow: true, tail: 0, isExact: true, ended: end, signal };
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
