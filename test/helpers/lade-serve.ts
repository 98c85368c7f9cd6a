// SPDX-License-Identifier: Apache-2.0

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unmountBelow } from "./mounts.ts";
import { endProcesses } from "./processes.ts";
import { type RunOptions, type RunResult, run } from "./tools.ts";

/** What came back of one request. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON. */
  readonly json: unknown;
}

export interface ApiRequest {
  /** Sent as JSON, unless it is bytes. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `lade serve` in a process of its own, with a store of its own. */
export interface LadeServe extends AsyncDisposable {
  readonly folder: string;
  readonly root: string;
  readonly runRoot: string;
  readonly socket: string;
  /** `unix://…`, for DOCKER_HOST. */
  readonly host: string;
  readonly pid: number;
  /** All that it wrote so far. */
  output(): string;
  request(method: string, path: string, options?: ApiRequest): Promise<ApiAnswer>;
  /** Runs the lade command on the same store. */
  lade(...args: string[]): Promise<RunResult>;
  /** Runs Debian's docker client against it. */
  docker(...args: string[]): Promise<RunResult>;
  dockerWith(options: RunOptions, ...args: string[]): Promise<RunResult>;
}

const entry = join(import.meta.dirname, "../../bin/main.ts");
const debianDocker = "/usr/bin/docker";
const readyMs = 30_000;

/**
 * Starts it and waits until it listens; what it leaves behind goes with `await using`.
 *
 * @param program a bundle to start in place of the sources
 * @param before a command with words of its own that gets the server's command behind them, and
 *   becomes the server by an exec
 */
export async function startLadeServe(
  args: readonly string[] = [],
  program: string = entry,
  before: readonly string[] = [],
): Promise<LadeServe> {
  const nodeArgs = ["--disable-warning=ExperimentalWarning", program];
  const folder = mkdtempSync(join(tmpdir(), "lade-api-"));
  const root = join(folder, "store");
  const runRoot = join(folder, "run");
  const env = { ...process.env, LADE_ROOT: root, LADE_RUN_ROOT: runRoot, LC_ALL: "C", TZ: "UTC" };
  const [command = "", ...words] = [...before, process.execPath, ...nodeArgs, "serve", ...args];
  const child = spawn(command, words, {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const cleanUp = () => {
    child.kill("SIGKILL");
    // A monitor, or what it starts at a container's end, would make the folder again.
    endProcesses(folder);
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.on("exit", cleanUp);
  const written: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => written.push(text));
  }
  try {
    await listening(child, written);
  } catch (error) {
    process.off("exit", cleanUp);
    cleanUp();
    throw error;
  }
  const socket = join(runRoot, "lade.sock");
  const lade = (...wanted: string[]) =>
    run(process.execPath, [...nodeArgs, ...wanted], {
      env: { LADE_ROOT: root, LADE_RUN_ROOT: runRoot },
    });
  return {
    folder,
    root,
    runRoot,
    socket,
    host: `unix://${socket}`,
    pid: child.pid ?? 0,
    output: () => written.join(""),
    request: (method, path, options) => send(socket, { method, path, ...options }),
    lade,
    docker: (...words) => run(debianDocker, ["-H", `unix://${socket}`, ...words]),
    dockerWith: (options, ...words) =>
      run(debianDocker, ["-H", `unix://${socket}`, ...words], options),
    async [Symbol.asyncDispose]() {
      const { stdout } = await lade("ps", "-aq");
      const ids = stdout.split("\n").filter(Boolean);
      if (ids.length > 0) await lade("rm", "-f", "-v", ...ids);
      if (child.exitCode === null && child.signalCode === null) {
        const exited = once(child, "exit");
        child.kill("SIGTERM");
        await exited;
      }
      process.off("exit", cleanUp);
      cleanUp();
    },
  };
}

async function listening(child: ChildProcess, written: readonly string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = () => reject(new Error(`lade serve did not listen:\n${written.join("")}`));
  const timer = setTimeout(fail, readyMs);
  const look = () => {
    if (written.join("").includes("API listen on ")) resolve();
  };
  child.once("exit", fail);
  child.stderr?.on("data", look);
  look();
  await promise.finally(() => {
    clearTimeout(timer);
    child.off("exit", fail);
    child.stderr?.off("data", look);
  });
}

/** Sends one request over a Unix socket and reads the whole answer. */
export function send(
  socketPath: string,
  { method, path, body, headers }: ApiRequest & { readonly method: string; readonly path: string },
): Promise<ApiAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
  const isBytes = body instanceof Uint8Array;
  const bytes = body === undefined ? undefined : isBytes ? body : Buffer.from(JSON.stringify(body));
  const request = httpRequest(
    {
      socketPath,
      method,
      path,
      agent: false,
      headers: {
        ...(bytes && {
          "Content-Type": isBytes ? "application/x-tar" : "application/json",
          "Content-Length": bytes.length,
        }),
        ...headers,
      },
    },
    (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.once("error", reject);
      response.once("end", () => {
        const whole = Buffer.concat(parts);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          get json() {
            return JSON.parse(whole.toString("utf8"));
          },
        });
      });
    },
  );
  request.once("error", reject);
  request.end(bytes);
  return promise;
}
