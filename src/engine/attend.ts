// SPDX-License-Identifier: Apache-2.0

/**
 * Who sees to a container's end: the command that is attached to it, a server that has started it,
 * or a command that its monitor starts.
 */

import * as fs from "node:fs";
import { dirname } from "node:path";
import { containerFolder } from "../content/paths.ts";
import { whenMonitorEnds } from "../runtime/monitor.ts";
import { processPaths } from "../runtime/process-paths.ts";
import { tryLock } from "../sys/libc.ts";
import type { Attachment } from "./container-types.ts";
import type { Engine } from "./engine.ts";
import { cleanupCommand } from "./self.ts";
import { settleById } from "./settle.ts";
import { attendedPath } from "./tear-down.ts";

export interface Attendance {
  /** What the monitor runs at the container's end. */
  readonly exitCommand: readonly string[];
  /** Cleans up when the attachment ends with the container, and lets go. */
  finishWith(attachment: Attachment): void;
  /** Cleans up at the end of the container, and lets go. */
  finishAtEnd(): void;
  release(): void;
}

/**
 * Waits for who is attached to be done, or dead, and is not needed where that has cleaned up:
 * starting lade a second time for nothing would take longer than all the rest of `run --rm`.
 * Where there is no flock(1), it does not wait, and finds the container's lock taken.
 */
const exitScript = [
  // Nothing to do; of a container that is gone, the exit code is of no use to anybody.
  'over() { [ ! -e "$2" ] && { [ -e "$3" ] || rm -f "$4"; }; }',
  'over "$@" && exit 0; flock "$1" true; over "$@" && exit 0; shift 4; exec "$@"',
].join("; ");

/**
 * Takes on the end of a container that this process is attached to, or outlives. The kernel takes
 * it back when this process ends, however it does; then the monitor's command sees to it.
 */
export function attend(engine: Engine, id: string): Attendance {
  const path = attendedPath(engine, id);
  fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fd = fs.openSync(path, "w", 0o600);
  tryLock(fd);
  let isHeld = true;
  const release = () => {
    if (isHeld) fs.closeSync(fd);
    isHeld = false;
  };
  const { spec, exitFile } = processPaths(engine.run, id);
  const folder = containerFolder(engine.store.paths, id);
  return {
    exitCommand: [
      ...["/bin/sh", "-c", exitScript, "lade-exit", path, spec, folder, exitFile],
      ...cleanupCommand(engine, id),
    ],
    release,
    finishWith(attachment) {
      attachment.ended
        .then(async (how) => {
          if (how === "closed") await settleById(engine, id);
        })
        .catch(() => {})
        .finally(release);
    },
    finishAtEnd() {
      // What fails here is left to the monitor's command, as if this process had died.
      whenMonitorEnds(processPaths(engine.run, id))
        .then(() => settleById(engine, id))
        .catch(() => {})
        .finally(release);
    },
  };
}
