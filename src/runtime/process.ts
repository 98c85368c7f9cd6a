// SPDX-License-Identifier: Apache-2.0

/** The life of a container's process: made, started, signalled, paused, removed. */

import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { basename, join } from "node:path";
import { isLadeError, isSystemError, LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import type { RunPaths } from "../rootfs/run-paths.ts";
import { removeAll } from "../sys/remove-all.ts";
import { removeCgroup } from "./cgroup.ts";
import { type MonitoredProcess, type StdinMode, startMonitor, whenMonitorEnds } from "./monitor.ts";
import { leaveCallersCgroup } from "./monitor-cgroup.ts";
import { processPaths, runtimeRoot } from "./process-paths.ts";
import { type ProcessRecord, readProcessRecord, writeProcessRecord } from "./process-record.ts";
import { ensureRootFolders } from "./root-folders.ts";
import { type RuntimeAnswer, runRuntime } from "./runtime-command.ts";
import { runtimeError } from "./runtime-messages.ts";
import {
  formatOciDocument,
  type OciResources,
  type OciSpec,
  parseOciSpec,
} from "./spec/oci-spec.ts";
import { letStart } from "./start-fifo.ts";
import { findTools, type Tools } from "./tools.ts";

export interface CreateProcessOptions {
  readonly id: string;
  /** As `buildSpec` makes it. */
  readonly spec: OciSpec;
  readonly tools?: Tools | undefined;
  readonly stdin: StdinMode;
  /** The container's log; undefined for the log driver `none`. */
  readonly logPath?: string | undefined;
  /** Bytes after which the log starts anew (`--log-opt max-size`). */
  readonly logSize?: number | undefined;
  /** Program and arguments, run by the monitor when the container has ended. */
  readonly exitCommand?: readonly string[] | undefined;
  /** Descriptors that stay open as long as the container runs. */
  readonly heldDescriptors?: readonly number[] | undefined;
  /** For the exit command, beside PATH, HOME and the like. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/**
 * Makes a container: its namespaces, cgroup and mounts are there then, and its command waits for
 * `startProcess`; `attachTo` works already.
 *
 * Where it fails, nothing is left of it. The exit command runs then, too.
 *
 * @throws LadeError COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, RUNTIME_FAILED in Docker's words;
 *   RUNTIME_MISSING
 */
export async function createProcess(
  run: RunPaths,
  options: CreateProcessOptions,
): Promise<MonitoredProcess> {
  const { id, spec } = options;
  const tools = options.tools ?? findTools();
  const paths = processPaths(run, id);
  fs.rmSync(paths.exitFile, { force: true });
  removeAll(paths.bundle);
  const socketFolder = join(run.root, "t", id.slice(0, 12));
  try {
    fs.mkdirSync(paths.bundle, { recursive: true, mode: 0o700 });
    fs.mkdirSync(run.exits, { recursive: true, mode: 0o700 });
    if (spec.process.terminal) fs.mkdirSync(socketFolder, { recursive: true, mode: 0o700 });
    ensureRootFolders(spec.root.path);
    fs.writeFileSync(paths.spec, formatOciDocument(spec), { mode: 0o600 });
    writeProcessRecord(paths, {
      runtime: tools.runtime,
      runtimeName: tools.runtimeName,
      stdin: options.stdin,
      logPath: options.logPath,
      cgroup: spec.linux.cgroupsPath,
    });
    const made = await startMonitor({
      tools,
      paths,
      containerId: id,
      runtimeRoot: runtimeRoot(run),
      socketFolder,
      hasTerminal: spec.process.terminal,
      stdin: options.stdin,
      logPath: options.logPath,
      logSize: options.logSize,
      isSystemd: spec.linux.cgroupsPath.includes(":"),
      exitCommand: options.exitCommand,
      heldDescriptors: options.heldDescriptors,
      env: { ...monitorVariables(), ...options.env },
    });
    // Nothing waits for that, and a machine that does not want it runs the container all the same.
    leaveCallersCgroup(made.monitorPid).catch(() => {});
    return made;
  } catch (error) {
    await removeRemains(run, id, spec.linux.cgroupsPath);
    if (isLadeError(error, "RUNTIME_FAILED")) throw runtimeError("create", error.message);
    throw ioError(error, `create container ${id}`);
  } finally {
    if (spec.process.terminal) removeAll(socketFolder);
  }
}

/**
 * The document that a container was made with.
 *
 * @throws LadeError CONTAINER_NOT_RUNNING where there is none
 */
export function readContainerSpec(run: RunPaths, id: string): OciSpec {
  try {
    return parseOciSpec(fs.readFileSync(processPaths(run, id).spec, "utf8"));
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw error;
    throw new LadeError("CONTAINER_NOT_RUNNING", `container ${id} is not running`);
  }
}

const passedVariables = ["PATH", "HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];

/** What the monitor and the runtime need of this process's variables: no secrets, no sockets. */
export function monitorVariables(): Record<string, string> {
  return Object.fromEntries(
    passedVariables.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

async function removeRemains(run: RunPaths, id: string, cgroup?: string): Promise<void> {
  const state = join(runtimeRoot(run), id);
  if (fs.existsSync(state)) {
    await runRuntime({ run, id, command: "delete", options: ["--force"] });
    removeAll(state);
  }
  if (cgroup !== undefined) await removeCgroup(cgroup);
  removeAll(processPaths(run, id).bundle);
}

/**
 * Lets a container's command run.
 *
 * @throws LadeError COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, RUNTIME_FAILED
 */
export async function startProcess(run: RunPaths, id: string): Promise<void> {
  if (await letStart(run, id)) return;
  const answer = await runRuntime({ run, id, command: "start" });
  if (answer.code !== 0) throw runtimeError("start", answer.error);
}

export interface SignalOptions {
  /** Such as `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`; as `checkSignal` gives it. */
  readonly signal: string | number;
  /** All processes of the container, not only its first. */
  readonly all?: boolean | undefined;
}

/**
 * Sends a signal into a container.
 *
 * @returns false when its process is gone
 * @throws LadeError RUNTIME_FAILED
 */
export async function signalProcess(
  run: RunPaths,
  id: string,
  options: SignalOptions,
): Promise<boolean> {
  const answer = await runRuntime({
    run,
    id,
    command: "kill",
    options: options.all === true ? ["--all"] : [],
    more: [String(options.signal)],
  });
  if (answer.code === 0) return true;
  if (isGone(answer.error)) return false;
  throw new LadeError("RUNTIME_FAILED", `Cannot kill container: ${id}: ${answer.error}`);
}

function isGone(error: string): boolean {
  return /process already finished|no such process|does not exist|not running|no such file/i.test(
    error,
  );
}

/** @throws LadeError RUNTIME_FAILED */
export async function pauseProcess(run: RunPaths, id: string): Promise<void> {
  const answer = await runRuntime({ run, id, command: "pause" });
  if (answer.code === 0) return;
  throw new LadeError("RUNTIME_FAILED", `cannot pause container ${id}: ${answer.error}`);
}

/** @throws LadeError RUNTIME_FAILED */
export async function resumeProcess(run: RunPaths, id: string): Promise<void> {
  const answer = await runRuntime({ run, id, command: "resume" });
  if (answer.code === 0) return;
  throw new LadeError("RUNTIME_FAILED", `Cannot unpause container ${id}: ${answer.error}`);
}

/**
 * Removes what the runtime and the monitor keep of a container: its state, cgroup, sockets and
 * fifos. The exit file stays. Does nothing where nothing is left.
 *
 * @param options.force also where it runs: its processes are killed
 * @param options.cgroup `linux.cgroupsPath`, removed where the runtime no longer knows it
 * @throws LadeError RUNTIME_FAILED
 */
export async function deleteProcess(
  run: RunPaths,
  id: string,
  options: { force?: boolean; cgroup?: string } = {},
): Promise<void> {
  const state = join(runtimeRoot(run), id);
  if (fs.existsSync(state)) {
    if (options.force === true) await endProcess(run, id);
    const record = readProcessRecord(processPaths(run, id));
    if (readExit(run, id) !== undefined && record !== undefined && isFolderAll(record)) {
      await removeCgroup(record.cgroup);
      removeAll(state);
    } else {
      await deleteByRuntime(run, id, options);
    }
  }
  await removeRemains(run, id, options.cgroup);
}

/**
 * Whether a cgroup and a folder are all that the runtime keeps of a container that has ended:
 * removing both is all that its `delete` does then, and takes a tenth of the time.
 */
function isFolderAll({ runtime, runtimeName, cgroup }: ProcessRecord): boolean {
  return basename(runtime) === runtimeName && !cgroup.includes(":");
}

async function deleteByRuntime(
  run: RunPaths,
  id: string,
  { force }: { force?: boolean },
): Promise<void> {
  const options = force === true ? ["--force"] : [];
  const answer = await runRuntime({ run, id, command: "delete", options });
  if (answer.code === 0 || isGone(answer.error)) return;
  throw new LadeError("RUNTIME_FAILED", `remove container ${id}: ${answer.error}`);
}

/** Runtimes that are to remove what runs look for its end every 100 ms only: the monitor knows. */
async function endProcess(run: RunPaths, id: string): Promise<void> {
  if (readExit(run, id) !== undefined) return;
  const isKilled = await signalProcess(run, id, { signal: "KILL" }).catch(() => false);
  if (!isKilled) return;
  // A process that the kernel can't end now is the runtime's to wait for.
  await waitForExit(run, id, AbortSignal.timeout(killTimeoutMs)).catch(() => {});
}

const killTimeoutMs = 2000;

/** What `update` changes, as `linux.resources` of the runtime's specification. */
export async function updateProcess(
  run: RunPaths,
  id: string,
  resources: OciResources,
): Promise<void> {
  // Not on standard input: crun opens that by a name that is none for a socket.
  const file = join(processPaths(run, id).bundle, `resources-${randomUUID()}.json`);
  fs.writeFileSync(file, formatOciDocument(resources), { mode: 0o600 });
  let answer: RuntimeAnswer;
  try {
    answer = await runRuntime({ run, id, command: "update", options: ["--resources", file] });
  } finally {
    fs.rmSync(file, { force: true });
  }
  if (answer.code === 0) return;
  throw new LadeError("RUNTIME_FAILED", `Cannot update container ${id}: ${answer.error}`);
}

/**
 * The exit code that the monitor wrote down.
 *
 * @returns undefined where the process still runs, or its monitor was killed
 */
export function readExit(run: RunPaths, id: string): number | undefined {
  return readExitFile(processPaths(run, id).exitFile);
}

/** The exit code in a monitor's exit file. */
export function readExitFile(path: string): number | undefined {
  try {
    const text = fs.readFileSync(path, "utf8");
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Whether the kernel killed a process of the container for want of memory. */
export function wasOutOfMemory(run: RunPaths, id: string): boolean {
  return fs.existsSync(processPaths(run, id).oomFile);
}

/**
 * Waits for a container's end, without asking again and again.
 *
 * @returns the exit code; undefined where the monitor was killed, so that nobody knows
 */
export async function waitForExit(
  run: RunPaths,
  id: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const paths = processPaths(run, id);
  const known = readExitFile(paths.exitFile);
  if (known !== undefined) return known;
  await whenMonitorEnds(paths, signal);
  return readExitFile(paths.exitFile);
}

/**
 * When a process began, in the kernel's ticks since the boot: with its number it names the process
 * for good.
 *
 * @returns undefined when there is no such process, or only what waits for its parent to look
 */
export function processStartTicks(pid: number): number | undefined {
  let text: string;
  try {
    text = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch (error) {
    if (isSystemError(error, "ENOENT") || isSystemError(error, "ESRCH")) return undefined;
    throw error;
  }
  // The second field is the program's name in parentheses, which may hold anything.
  const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X") return undefined;
  // Field 22 of proc(5); the first here is the fourth there.
  return Number(fields[18]);
}

/** Whether the process of that number is still the one that began then. */
export function isAlive(pid: number, startTicks: number): boolean {
  return pid > 0 && processStartTicks(pid) === startTicks;
}
