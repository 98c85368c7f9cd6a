// SPDX-License-Identifier: Apache-2.0

/** Further processes in a running container. */

import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { isLadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import type { RunPaths } from "../rootfs/run-paths.ts";
import { removeAll } from "../sys/remove-all.ts";
import { attachToProcess, resizeTerminal } from "./attach.ts";
import { usesSystemdCgroups } from "./cgroup.ts";
import { parseDetachKeys } from "./detach-keys.ts";
import { type MonitoredProcess, startMonitor, whenMonitorEnds } from "./monitor.ts";
import { monitorVariables, readExitFile } from "./process.ts";
import { execPaths, execsFolder, processPaths, runtimeRoot } from "./process-paths.ts";
import { readProcessRecord } from "./process-record.ts";
import { runtimeError } from "./runtime-messages.ts";
import { formatOciDocument, type OciProcess } from "./spec/oci-spec.ts";
import { findTools } from "./tools.ts";
import type { Attachment, AttachOptions, TerminalSize } from "./types.ts";

export interface ExecProcessOptions {
  readonly containerId: string;
  readonly execId: string;
  /** As `buildExecProcess` makes it. */
  readonly process: OciProcess;
  /** Whether the process can be sent input. */
  readonly hasStdin: boolean;
  /** Undefined: it runs on its own, and what it writes is dropped. */
  readonly attach?: AttachOptions | undefined;
}

export interface RunningExec {
  /** In the host's numbers. */
  readonly pid: number;
  readonly attachment?: Attachment | undefined;
  /** Settles when the process has ended; 255 where its monitor was killed. */
  readonly exitCode: Promise<number>;
}

const unknownExit = 255;

/**
 * Runs a process in a container. It lives on when this process ends.
 *
 * Its files stay after its end, for `readExecExit`, until `removeExec`.
 *
 * @throws LadeError COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, RUNTIME_FAILED in Docker's words,
 *   with nothing left; RUNTIME_MISSING, CONTAINER_INVALID for bad detach keys
 */
export async function execProcess(
  run: RunPaths,
  options: ExecProcessOptions,
): Promise<RunningExec> {
  const { containerId, execId, attach } = options;
  const paths = execPaths(run, containerId, execId);
  parseDetachKeys(attach?.detachKeys);
  let attachment: Attachment | undefined;
  try {
    const started = await startExecMonitor(run, options, () => {
      if (attach === undefined) return;
      attachment = attachToProcess(paths, attach, { hasTerminal: options.process.terminal });
    });
    const exitCode = whenMonitorEnds(paths).then(() => readExitFile(paths.exitFile) ?? unknownExit);
    // Whoever does not wait for the code is not to learn of an error by a crash.
    exitCode.catch(() => {});
    return { pid: started.pid, attachment, exitCode };
  } catch (error) {
    attachment?.ended.catch(() => {});
    attachment?.detach();
    removeExec(run, containerId, execId);
    if (isLadeError(error, "RUNTIME_FAILED")) throw runtimeError("exec", error.message);
    throw ioError(error, `exec in container ${containerId}`);
  }
}

async function startExecMonitor(
  run: RunPaths,
  options: ExecProcessOptions,
  onReady: () => void,
): Promise<MonitoredProcess> {
  const { containerId, execId, process, attach } = options;
  const paths = execPaths(run, containerId, execId);
  const record = readProcessRecord(processPaths(run, containerId));
  const socketFolder = join(run.root, "t", execId.slice(0, 12));
  fs.mkdirSync(dirname(paths.exitFile), { recursive: true, mode: 0o700 });
  fs.writeFileSync(paths.spec, formatOciDocument(process), { mode: 0o600 });
  if (process.terminal) fs.mkdirSync(socketFolder, { recursive: true, mode: 0o700 });
  try {
    return await startMonitor(
      {
        tools: findTools(undefined, record?.runtime),
        paths,
        containerId,
        exec: { id: execId, waitsForAttach: attach !== undefined },
        runtimeRoot: runtimeRoot(run),
        socketFolder,
        hasTerminal: process.terminal,
        stdin: options.hasStdin ? "once" : "none",
        isSystemd: record?.cgroup.includes(":") ?? usesSystemdCgroups(),
        env: monitorVariables(),
      },
      onReady,
    );
  } finally {
    if (process.terminal) removeAll(socketFolder);
  }
}

/**
 * The exit code of an exec that has ended.
 *
 * @returns undefined where it still runs, where its monitor was killed, and where there is none
 */
export function readExecExit(run: RunPaths, containerId: string, execId: string) {
  return readExitFile(execPaths(run, containerId, execId).exitFile);
}

export function resizeExecProcess(
  run: RunPaths,
  exec: { readonly containerId: string; readonly execId: string },
  size: TerminalSize,
): void {
  resizeTerminal(execPaths(run, exec.containerId, exec.execId), size);
}

/** Removes the files of an exec; of all execs of the container where none is named. */
export function removeExec(run: RunPaths, containerId: string, execId?: string): void {
  const folder = execsFolder(run, containerId);
  const path = execId === undefined ? folder : join(folder, execId);
  removeAll(path);
}
