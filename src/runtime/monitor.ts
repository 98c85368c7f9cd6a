// SPDX-License-Identifier: Apache-2.0

/**
 * conmon, which stays with a container's process when lade goes: it starts the OCI runtime, keeps
 * the process's output, lets clients attach, and writes its exit code down.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import { isSystemError, LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { workingFolder } from "../sys/calls.ts";
import { makeNodeAt } from "../sys/file.ts";
import { keepInheritedDescriptors } from "../sys/inherited.ts";
import type { ProcessPaths } from "./process-paths.ts";
import { readRuntimeLog } from "./runtime-messages.ts";
import type { Tools } from "./tools.ts";

export interface MonitorOptions {
  readonly tools: Tools;
  readonly paths: ProcessPaths;
  readonly containerId: string;
  /** Undefined where the container itself is made. */
  readonly exec?: ExecMonitor | undefined;
  readonly runtimeRoot: string;
  /** For sockets of a terminal: short, since a socket's path has 107 bytes. */
  readonly socketFolder: string;
  readonly hasTerminal: boolean;
  readonly stdin: StdinMode;
  /** Where the output is kept; undefined: nowhere. */
  readonly logPath?: string | undefined;
  /** Bytes after which the log starts anew. */
  readonly logSize?: number | undefined;
  readonly isSystemd: boolean;
  /** Program and arguments, run when the container has ended, also where it could not be made. */
  readonly exitCommand?: readonly string[] | undefined;
  /** Descriptors that are the monitor's, too, as long as it lives: of published ports. */
  readonly heldDescriptors?: readonly number[] | undefined;
  /** Of the monitor, the runtime and the exit command. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * `none`: reads nothing. `once`: ends when the first who is attached leaves or ends it. `open`:
 * stays open whoever comes and goes.
 */
export type StdinMode = "none" | "once" | "open";

export interface ExecMonitor {
  readonly id: string;
  /** The process waits until somebody is attached. */
  readonly waitsForAttach: boolean;
}

export interface MonitoredProcess {
  /** Of the process, in the host's numbers. */
  readonly pid: number;
  readonly monitorPid: number;
}

/** Room for a socket's path in `struct sockaddr_un`, less the name that conmon adds. */
const socketFolderSize = 107 - "/conmon-term.XXXXXX".length;

/**
 * Starts the monitor and has it make the container, or run the exec.
 *
 * @param onReady for an exec: called when the attach socket is there and the process does not run
 *   yet
 * @throws LadeError RUNTIME_FAILED with the runtime's own words, unmapped
 */
export async function startMonitor(
  options: MonitorOptions,
  onReady?: () => void,
): Promise<MonitoredProcess> {
  const { paths, tools } = options;
  const waitsForAttach = options.exec?.waitsForAttach === true;
  const pipes = openPipes(paths);
  keepInheritedDescriptors();
  let child: ChildProcess;
  try {
    child = spawn(tools.conmon, monitorArguments(options), {
      cwd: paths.bundle,
      env: { ...options.env, ...monitorEnvironment(options) },
      stdio: [
        ...(["ignore", "ignore", "pipe"] as const),
        pipes.monitorEnd,
        ...(waitsForAttach ? execPipes : []),
        ...(options.heldDescriptors ?? []),
      ],
    });
  } finally {
    fs.closeSync(pipes.monitorEnd);
  }
  const stderr = collect(child.stderr as Socket);
  const left = once(child, "exit").catch((error: unknown) => {
    throw ioError(error, `start ${tools.conmon}`);
  });
  try {
    if (waitsForAttach) await startExec(child, onReady);
    const [answer] = await Promise.all([firstLine(pipes.answers), left]);
    return readAnswer(answer, paths, stderr);
  } finally {
    pipes.answers.destroy();
    child.stderr?.destroy();
  }
}

const execPipes: readonly "pipe"[] = ["pipe", "pipe"];

interface Pipes {
  readonly answers: Socket;
  /** The descriptor that the monitor keeps as long as it lives. */
  readonly monitorEnd: number;
}

/**
 * The pipe of the monitor's answers is a named one: conmon keeps it open until it ends, and so
 * whoever opens it later learns of the end without asking again and again.
 */
function openPipes(paths: ProcessPaths): Pipes {
  makeNodeAt(workingFolder, Buffer.from(paths.monitorFifo), { type: "fifo", mode: 0o600 });
  const readEnd = fs.openSync(paths.monitorFifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const monitorEnd = fs.openSync(paths.monitorFifo, fs.constants.O_WRONLY);
  return { answers: new Socket({ fd: readEnd, writable: false }), monitorEnd };
}

/** Descriptors by conmon's variables, in the order of `stdio`. */
function monitorEnvironment(options: MonitorOptions): Record<string, string> {
  return {
    _OCI_SYNCPIPE: "3",
    ...(options.exec?.waitsForAttach === true && { _OCI_ATTACHPIPE: "4", _OCI_STARTPIPE: "5" }),
    // conmon names the terminal's socket below it.
    ...(options.hasTerminal ? { TMPDIR: shortFolder(options.socketFolder) } : {}),
  };
}

function shortFolder(folder: string): string {
  return Buffer.byteLength(folder) <= socketFolderSize ? folder : "/tmp";
}

/**
 * An exec waits for two words: the first lets conmon begin, the second comes when its attach
 * socket is there and somebody listens, and lets the process run.
 */
async function startExec(child: ChildProcess, onReady: (() => void) | undefined): Promise<void> {
  const stdio: readonly unknown[] = child.stdio;
  const [attachPipe, startPipe] = [stdio[4] as Socket, stdio[5] as Socket];
  startPipe.on("error", () => {});
  startPipe.write("\0");
  // Where conmon fails early the pipe ends without an answer; the answers' pipe says why.
  const answer = await firstLine(attachPipe);
  if (answer !== "") onReady?.();
  startPipe.end("\0");
  attachPipe.destroy();
}

function monitorArguments(options: MonitorOptions): string[] {
  const { paths, tools, containerId, exec } = options;
  return [
    ...["--api-version", "1", "-c", containerId, "-u", exec?.id ?? containerId, "-n", containerId],
    ...["-r", tools.runtime, "-b", paths.bundle, "-p", paths.pidFile, "-P", paths.monitorPidFile],
    ...["--exit-dir", dirname(paths.exitFile), "--full-attach", "--log-level", "error"],
    ...["--runtime-arg", `--root=${options.runtimeRoot}`],
    ...["--runtime-arg", `--log=${paths.runtimeLog}`, "--runtime-arg", "--log-format=json"],
    // conmon syncs the log file to the disk before it tells of the end: Docker never does.
    "--no-sync-log",
    ...logArguments(options),
    ...(options.isSystemd ? ["--systemd-cgroup"] : []),
    ...(options.hasTerminal ? ["-t"] : []),
    ...(options.stdin === "none" ? [] : ["-i"]),
    // A terminal's input never ends by itself, as at Docker.
    ...(options.stdin === "open" || options.hasTerminal ? ["--leave-stdin-open"] : []),
    ...(exec === undefined ? exitArguments(options.exitCommand) : execArguments(exec, paths)),
  ];
}

function execArguments(exec: ExecMonitor, paths: ProcessPaths): string[] {
  const attach = exec.waitsForAttach ? ["--exec-attach"] : [];
  return ["--exec", ...attach, "--exec-process-spec", paths.spec];
}

function exitArguments(command: readonly string[] | undefined): string[] {
  const [program, ...words] = command ?? [];
  if (program === undefined) return [];
  return ["--exit-command", program, ...words.flatMap((word) => ["--exit-command-arg", word])];
}

function logArguments(options: MonitorOptions): string[] {
  const { logPath, logSize, paths } = options;
  if (logPath === undefined) return ["-l", "none"];
  const size = logSize === undefined ? [] : ["--log-size-max", String(logSize)];
  if (!logPath.includes(":")) return ["-l", `k8s-file:${logPath}`, ...size];
  // conmon cuts its argument at colons; the path through a link in its own folder has none.
  const link = join(paths.bundle, "log");
  fs.symlinkSync(dirname(logPath), link);
  return ["-l", `k8s-file:log/${basename(logPath)}`, ...size];
}

function readAnswer(line: string, paths: ProcessPaths, stderr: () => string): MonitoredProcess {
  const answer = parseAnswer(line);
  if (answer !== undefined && answer.data > 0) {
    return { pid: answer.data, monitorPid: Number(fs.readFileSync(paths.monitorPidFile, "utf8")) };
  }
  const text = readRuntimeLog(paths.runtimeLog) || answer?.message || lastLine(stderr());
  throw new LadeError("RUNTIME_FAILED", text || "conmon ended without an answer");
}

function parseAnswer(line: string): { data: number; message: string } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null) return undefined;
    const { data, message } = value as { data?: unknown; message?: unknown };
    if (typeof data !== "number") return undefined;
    return { data, message: typeof message === "string" ? message.trim() : "" };
  } catch {
    return undefined;
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

const mostAnswer = 65536;

/** The first line of a pipe; what there is of it where the pipe ends earlier. */
async function firstLine(pipe: Socket): Promise<string> {
  let text = "";
  try {
    for await (const chunk of pipe.iterator({ destroyOnReturn: false })) {
      text += String(chunk);
      if (text.includes("\n") || text.length > mostAnswer) break;
    }
  } catch (error) {
    if (!isSystemError(error, "ECONNRESET") && !isSystemError(error, "EPIPE")) throw error;
  }
  return text.split("\n", 1)[0] ?? "";
}

function collect(pipe: Socket): () => string {
  let text = "";
  pipe.setEncoding("utf8");
  pipe.on("data", (chunk: string) => {
    text = (text + chunk).slice(-mostAnswer);
  });
  pipe.on("error", () => {});
  return () => text;
}

/**
 * Waits until the monitor of a process has ended, however it ended; at once where it has.
 *
 * The exit file is there then, unless the monitor was killed.
 */
export async function whenMonitorEnds(paths: ProcessPaths, signal?: AbortSignal): Promise<void> {
  let fd: number;
  try {
    fd = fs.openSync(paths.monitorFifo, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return;
    throw error;
  }
  if (!hasWriter(fd)) {
    fs.closeSync(fd);
    return;
  }
  const pipe = new Socket({ fd, writable: false });
  pipe.on("error", () => {});
  pipe.resume();
  await new Promise<void>((resolve) => {
    pipe.once("close", () => resolve());
    const stop = () => pipe.destroy();
    pipe.once("close", () => signal?.removeEventListener("abort", stop));
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
  signal?.throwIfAborted();
}

function hasWriter(fd: number): boolean {
  const buffer = Buffer.allocUnsafe(mostAnswer);
  try {
    // Without a writer a fifo is at its end; with one it has an answer in it or would wait.
    return fs.readSync(fd, buffer) > 0 && hasWriter(fd);
  } catch (error) {
    return isSystemError(error, "EAGAIN");
  }
}
