// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { unmountBelow } from "./mounts.ts";
import { type RunOptions, type RunResult, requireTool, run } from "./tools.ts";

/** Debian's own client; another one may come first on PATH. */
const DOCKER = "/usr/bin/docker";
const DOCKERD = "/usr/sbin/dockerd";
const STOP_MS = 15_000;

export interface DockerdOptions {
  /** Where the daemon keeps its images; by default in the daemon's own temp folder. */
  readonly dataRoot?: string;
  /** More arguments of dockerd, such as `--storage-driver=vfs`. */
  readonly args?: readonly string[];
  /** Words before `dockerd`, such as those that put it into a control group. */
  readonly enter?: readonly string[];
  /** How long the daemon may take until it answers; 60 seconds by default. */
  readonly readyMs?: number;
}

/** A docker daemon of its own, without network, that goes when it is disposed of. */
export interface Dockerd extends AsyncDisposable {
  /** `unix://…`, for `-H` and DOCKER_HOST. */
  readonly host: string;
  readonly pid: number;
  readonly dataRoot: string;
  readonly version: string;
  /** Figures are fair only with `overlay2`. */
  readonly storageDriver: string;
  /** The words before a docker command that talks to this daemon. */
  readonly command: readonly string[];
  /** Runs Debian's client against this daemon. */
  docker(...args: string[]): Promise<RunResult>;
  dockerWith(options: RunOptions, ...args: string[]): Promise<RunResult>;
  isRunning(): boolean;
  /**
   * Kills the daemon with SIGKILL, if it still runs, and starts it on what it left.
   *
   * @throws Error with the end of its log if it does not get ready again
   */
  restart(): Promise<void>;
}

interface Place {
  /** Short, since the path of a socket may have 107 bytes. */
  readonly folder: string;
  readonly dataRoot: string;
  /** Whether the data root is the caller's: then it stays when the daemon goes. */
  readonly kept: boolean;
}

interface Running extends Place {
  /** Another one after a restart. */
  child: ChildProcess;
}

const running = new Set<Running>();

/**
 * Starts Debian's dockerd in a temp folder and waits until it answers.
 *
 * What it leaves behind (processes, mounts, folders) goes with `await using`, and also if it does
 * not start, or if this process exits or is interrupted. A `dataRoot` that the caller gave stays,
 * unmounted.
 *
 * @throws Error with the end of dockerd's log if it does not get ready
 */
export async function startDockerd(options: DockerdOptions = {}): Promise<Dockerd> {
  requireTool(DOCKERD, "docker.io");
  requireTool(DOCKER, "docker.io");
  const folder = mkdtempSync(join(tmpdir(), "lade-dockerd-"));
  const dataRoot = options.dataRoot ?? join(folder, "data");
  await mkdir(dataRoot, { recursive: true });
  const place: Place = { folder, dataRoot, kept: options.dataRoot !== undefined };
  const daemon: Running = { ...place, child: spawnDaemon(place, options) };
  guard(daemon);
  try {
    const host = `unix://${join(folder, "docker.sock")}`;
    const facts = await waitUntilReady(daemon, host, options.readyMs ?? 60_000);
    const dockerWith = (runOptions: RunOptions, ...args: string[]): Promise<RunResult> =>
      run(DOCKER, ["-H", host, ...args], runOptions);
    return {
      host,
      get pid() {
        return daemon.child.pid ?? 0;
      },
      dataRoot,
      ...facts,
      command: [DOCKER, "-H", host],
      docker: (...args) => dockerWith({}, ...args),
      dockerWith,
      isRunning: () => !hasEnded(daemon.child),
      async restart() {
        await endChild(daemon.child, "SIGKILL");
        // Its containerd died with it. Where nobody reaps that, dockerd takes the zombie for alive
        // and waits for it in vain; on most machines containerd is a service of its own.
        const pidFile = join(folder, "exec/containerd/containerd.pid");
        stopContainerd(pidFile);
        rmSync(pidFile, { force: true });
        daemon.child = spawnDaemon(place, options);
        await waitUntilReady(daemon, host, options.readyMs ?? 60_000);
      },
      [Symbol.asyncDispose]: () => stop(daemon),
    };
  } catch (error) {
    await stop(daemon);
    throw error;
  }
}

function spawnDaemon({ folder, dataRoot }: Place, options: DockerdOptions): ChildProcess {
  const log = openSync(join(folder, "log"), "w");
  const [command = DOCKERD, ...words] = [...(options.enter ?? []), DOCKERD];
  try {
    return spawn(
      command,
      [
        words,
        ["--data-root", dataRoot],
        ["--exec-root", join(folder, "exec")],
        ["-H", `unix://${join(folder, "docker.sock")}`],
        ["-p", join(folder, "pid")],
        ["--iptables=false", "--ip6tables=false", "--bridge=none"],
        options.args ?? [],
      ].flat(),
      { stdio: ["ignore", log, log] },
    );
  } finally {
    closeSync(log);
  }
}

async function waitUntilReady(
  daemon: Running,
  host: string,
  readyMs: number,
): Promise<{ version: string; storageDriver: string }> {
  const end = Date.now() + readyMs;
  while (Date.now() < end && !hasEnded(daemon.child)) {
    // Docker's client answers 0 and empty fields where the daemon is not there yet.
    const info = existsSync(join(daemon.folder, "docker.sock"))
      ? await run(DOCKER, ["-H", host, "info", "--format", "{{.ServerVersion}} {{.Driver}}"])
      : undefined;
    const [version, storageDriver] = info?.stdout.trim().split(" ") ?? [];
    if (info?.code === 0 && version && storageDriver) return { version, storageDriver };
    await delay(50);
  }
  const log = readFileSync(join(daemon.folder, "log"), "utf8").split("\n").slice(-20).join("\n");
  const state = hasEnded(daemon.child) ? "has ended" : `not ready after ${readyMs} ms`;
  throw new Error(`${DOCKERD}: ${state}\n${log}`);
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function stop(daemon: Running): Promise<void> {
  if (!running.has(daemon)) return;
  await endChild(daemon.child, "SIGTERM");
  cleanUp(daemon);
}

async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const killer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  child.kill(signal);
  await ended;
  clearTimeout(killer);
}

/** Takes away all that a daemon that is no longer there has left. */
function cleanUp(daemon: Running): void {
  stopContainerd(join(daemon.folder, "exec/containerd/containerd.pid"));
  unmountBelow(daemon.folder);
  unmountBelow(daemon.dataRoot);
  rmSync(daemon.folder, { recursive: true, force: true, maxRetries: 3 });
  running.delete(daemon);
  if (running.size === 0) release();
}

/** dockerd starts a containerd of its own, which outlives a dockerd that was killed. */
function stopContainerd(pidFile: string): void {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8"));
  try {
    if (!readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("containerd")) return;
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/** As {@link stop}, for a process that is about to exit and can't wait for events any more. */
function stopAllNow(): void {
  for (const daemon of running) {
    daemon.child.kill("SIGTERM");
    waitUntilDead(daemon.child.pid);
    daemon.child.kill("SIGKILL");
    cleanUp(daemon);
  }
}

function waitUntilDead(pid: number | undefined): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const end = Date.now() + STOP_MS;
  while (pid !== undefined && isAlive(pid) && Date.now() < end) Atomics.wait(cell, 0, 0, 50);
}

/** A child that nobody waited for is a zombie: no longer alive, though its pid is there. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

function interrupted(signal: NodeJS.Signals): void {
  process.exit(signal === "SIGINT" ? 130 : signal === "SIGHUP" ? 129 : 143);
}

function guard(daemon: Running): void {
  if (running.size === 0) {
    // Before those who remove the folders that the daemon works in.
    process.prependListener("exit", stopAllNow);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupted);
  }
  running.add(daemon);
}

function release(): void {
  process.off("exit", stopAllNow);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.off(signal, interrupted);
}
