// SPDX-License-Identifier: Apache-2.0

/** Clients of one store: lade processes, and requests to one `lade serve`; each may be killed. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ApiAnswer, type ApiRequest, send } from "../helpers/lade-serve.ts";
import type { Random } from "./random.ts";
import type { StorePlaces } from "./store-state.ts";

/** How one operation ended, by command or by API. */
export interface Outcome {
  readonly start: number;
  readonly end: number;
  /** `killed`: it may have done its work or not. */
  readonly is: "done" | "refused" | "killed";
  readonly stdout: Buffer;
  /** The error's text. */
  readonly message: string;
  /** The API's document. */
  readonly answer?: ApiAnswer;
}

const patienceMs = 120_000;
const readyMs = 60_000;

export class Clients {
  readonly #program: string;
  readonly #places: StorePlaces;
  readonly #children = new Set<ChildProcess>();
  #server: Promise<ChildProcess> | undefined;
  kills = 0;
  /** What a server wrote that was not asked to stop. */
  serverOutput = "";

  constructor(program: string, places: StorePlaces) {
    this.#program = program;
    this.#places = places;
  }

  #spawn(args: readonly string[]): ChildProcess {
    const { root, runRoot } = this.#places;
    const env = { ...process.env, LADE_ROOT: root, LADE_RUN_ROOT: runRoot };
    const all = ["--disable-warning=ExperimentalWarning", this.#program, ...args];
    return spawn(process.execPath, all, { env, stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Runs the command; `isSpared` for what has to tell its tale. */
  async command(args: readonly string[], isSpared = false): Promise<Outcome> {
    const start = performance.now();
    const child = this.#spawn(args);
    if (!isSpared) this.#children.add(child);
    const out: Buffer[] = [];
    let message = "";
    child.stdout?.on("data", (data: Buffer) => out.push(data));
    child.stderr?.on("data", (data: Buffer) => {
      message += String(data);
    });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, patienceMs);
    const exited = once(child, "exit");
    // A container's process may hold the pipes of a lade that was killed.
    void exited.then(([, signal]) => {
      if (signal === "SIGKILL") setTimeout(() => child.stdout?.destroy(), 5000).unref();
    });
    const closed = once(child, "close");
    const [code, signal] = (await exited) as [number | null, string | null];
    await closed;
    clearTimeout(timer);
    this.#children.delete(child);
    const end = performance.now();
    if (isLate) message = `not done after ${patienceMs} ms: ${message}`;
    const isKilled = signal === "SIGKILL" && !isLate;
    const is = code === 0 ? "done" : isKilled ? "killed" : "refused";
    return { start, end, is, stdout: Buffer.concat(out), message };
  }

  /** Asks the server, which is started where it does not run. */
  async request(method: string, path: string, options: ApiRequest = {}): Promise<Outcome> {
    const server = await this.#running();
    const start = performance.now();
    const socket = join(this.#places.runRoot, "lade.sock");
    try {
      const answer = await send(socket, { method, path, ...options });
      const end = performance.now();
      const is = answer.status < 400 ? "done" : "refused";
      return { start, end, is, stdout: answer.body, message: messageIn(answer.body), answer };
    } catch (error) {
      // What it did, it did before it was gone.
      const isGone = await Promise.race([this.#ended(server), wait(5000)]);
      const is = isGone === true && server.killed ? "killed" : "refused";
      const message = `${String(error)}; the server ${isGone === true ? "is gone" : "runs"}`;
      return { start, end: performance.now(), is, stdout: Buffer.alloc(0), message };
    }
  }

  async #running(): Promise<ChildProcess> {
    const found = this.#server;
    const server = await found;
    if (server !== undefined && server.exitCode === null && server.signalCode === null) {
      return server;
    }
    // Others may have come here at the same time.
    if (this.#server === found) this.#server = this.#startServer();
    return await (this.#server as Promise<ChildProcess>);
  }

  async #startServer(): Promise<ChildProcess> {
    const child = this.#spawn(["serve"]);
    // Each request that fails waits for its end.
    child.setMaxListeners(0);
    let output = "";
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error(`no server: ${output}`)), readyMs);
    child.stderr?.on("data", (data: Buffer) => {
      output += String(data);
      if (output.includes("API listen on ")) resolve();
      this.serverOutput = output;
    });
    child.stdout?.resume();
    child.once("exit", () => reject(new Error(`the server ended: ${output}`)));
    await promise.finally(() => clearTimeout(timer));
    return child;
  }

  async #ended(child: ChildProcess): Promise<true> {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return true;
  }

  /** kill -9 of one process among the commands and the server. */
  async killOne(random: Random): Promise<void> {
    const server = await this.#server;
    const running = [...this.#children].filter((child) => child.exitCode === null);
    const isServer = server !== undefined && !server.killed && random.chance(0.2);
    const victim = isServer || running.length === 0 ? server : random.pick(running);
    if (victim?.kill("SIGKILL") === true) this.kills++;
  }

  /** @returns what is wrong with how it stopped */
  async stopServer(): Promise<string | undefined> {
    const server = await this.#server;
    if (server === undefined || server.killed) return undefined;
    server.kill("SIGTERM");
    const isGone = await Promise.race([this.#ended(server), wait(30_000)]);
    if (isGone === true && server.exitCode === 0) return undefined;
    server.kill("SIGKILL");
    return `the server did not stop well: exit ${server.exitCode}: ${this.serverOutput}`;
  }

  /** The server's process, where it runs. */
  async serverPid(): Promise<number> {
    return (await this.#running()).pid ?? 0;
  }

  endAll(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    void this.#server?.then((server) => server.kill("SIGKILL")).catch(() => undefined);
  }
}

function wait(delayMs: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), delayMs).unref());
}

function messageIn(body: Buffer): string {
  const text = body.toString("utf8");
  return text.includes('"message"') ? text.slice(0, 2000) : "";
}

/** Reads a file for a request's body. */
export function bytesOf(path: string): Buffer {
  return readFileSync(path);
}
