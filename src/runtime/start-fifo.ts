// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { Socket } from "node:net";
import { basename, join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import type { RunPaths } from "../rootfs/run-paths.ts";
import { whenMonitorEnds } from "./monitor.ts";
import { processPaths, runtimeRoot } from "./process-paths.ts";
import { readProcessRecord } from "./process-record.ts";

/**
 * Lets a container's command run that runc has made, without `runc start`.
 *
 * runc has the command wait in the opening of a fifo, and all that `start` does is to open its other
 * end, read the byte that comes, and remove it. Starting a program for that takes longer than most
 * of the rest of lade.
 *
 * @returns false for other runtimes (crun has a fifo of that name, too, but reads where runc
 *   writes), and where the command ended before: `start` knows why
 */
export async function letStart(run: RunPaths, id: string): Promise<boolean> {
  const { runtime = "" } = readProcessRecord(processPaths(run, id)) ?? {};
  if (basename(runtime) !== "runc") return false;
  const path = join(runtimeRoot(run), id, "exec.fifo");
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return false;
    throw error;
  }
  const fifo = new Socket({ fd, writable: false });
  const stop = new AbortController();
  const byte = new Promise<boolean>((resolve) => {
    fifo.once("data", () => resolve(true));
    fifo.once("close", () => resolve(false));
    fifo.on("error", () => {});
  });
  // A short command has ended before this process has looked for its byte.
  const death = whenMonitorEnds(processPaths(run, id), stop.signal).then(
    () => !fifo.destroyed && hasByte(fd),
    () => false,
  );
  const hasStarted = await Promise.race([byte, death]);
  fifo.destroy();
  stop.abort();
  if (hasStarted) fs.rmSync(path, { force: true });
  return hasStarted;
}

function hasByte(fd: number): boolean {
  try {
    return fs.readSync(fd, Buffer.allocUnsafe(1)) === 1;
  } catch (error) {
    if (isSystemError(error, "EAGAIN")) return false;
    throw error;
  }
}
