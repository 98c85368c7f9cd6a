// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import type { RunPaths } from "../rootfs/run-paths.ts";

/** Where the monitor and the runtime keep what belongs to one container, or to one exec in it. */
export interface ProcessPaths {
  /** Made for this process, and removed with it; the monitor's working folder. */
  readonly bundle: string;
  /** `config.json` of a container, the process document of an exec. */
  readonly spec: string;
  /** How the container was made: see `process-record.ts`. */
  readonly record: string;
  /** Of the container's first process, in the host's numbers. */
  readonly pidFile: string;
  readonly monitorPidFile: string;
  /** The monitor's socket for the process's bytes. */
  readonly attachSocket: string;
  /** The monitor's fifo for window sizes. */
  readonly controlFifo: string;
  /** A fifo that the monitor holds open to its end: see `whenMonitorEnds`. */
  readonly monitorFifo: string;
  /** The exit code in decimal, written by the monitor once the process's output is all handled. */
  readonly exitFile: string;
  /** There when the kernel killed a process of the container for want of memory. */
  readonly oomFile: string;
  /** The runtime's own messages, as JSON. */
  readonly runtimeLog: string;
}

/** Where the OCI runtime keeps its state of all containers. */
export function runtimeRoot(run: RunPaths): string {
  return join(run.root, "runtime");
}

export function processPaths(run: RunPaths, id: string): ProcessPaths {
  return pathsIn(join(run.containers, id, "bundle"), "config.json", join(run.exits, id));
}

/** The folder with all of a container's execs. */
export function execsFolder(run: RunPaths, id: string): string {
  return join(run.containers, id, "exec");
}

export function execPaths(run: RunPaths, id: string, execId: string): ProcessPaths {
  const folder = join(execsFolder(run, id), execId);
  // The monitor names an exit file after the container, so that each exec needs its own folder.
  return pathsIn(folder, "process.json", join(folder, "exit", id));
}

function pathsIn(bundle: string, spec: string, exitFile: string): ProcessPaths {
  return {
    bundle,
    spec: join(bundle, spec),
    record: join(bundle, "record.json"),
    pidFile: join(bundle, "pidfile"),
    monitorPidFile: join(bundle, "conmon.pid"),
    attachSocket: join(bundle, "attach"),
    controlFifo: join(bundle, "ctl"),
    monitorFifo: join(bundle, "monitor"),
    exitFile,
    oomFile: join(bundle, "oom"),
    runtimeLog: join(bundle, "runtime.log"),
  };
}
