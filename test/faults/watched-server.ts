// SPDX-License-Identifier: Apache-2.0

/** A `lade serve` of which descriptors, threads and memory can be measured. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type ApiAnswer, type ApiRequest, send } from "../helpers/lade-serve.ts";
import type { StorePlaces } from "./store-state.ts";

export interface Sizes {
  readonly descriptors: number;
  readonly threads: number;
  /** Bytes of the process. */
  readonly resident: number;
  /** Bytes of what JavaScript still holds, after its garbage has been collected. */
  readonly held: number;
}

/** Node with a debugger tells of its end before it tells why. */
const tellWhy = `process.on("uncaughtExceptionMonitor", (error) => process._rawDebug(error))`;
const readyMs = 60_000;
const settleMs = 20_000;

export class WatchedServer implements AsyncDisposable {
  readonly socket: string;
  readonly #child: ChildProcess;
  readonly #inspector: WebSocket;
  /** Rejects once the server is at its end, for which a debugger holds it up. */
  readonly died: Promise<never>;
  readonly #answers = new Map<number, (result: unknown) => void>();
  #calls = 0;

  private constructor(child: ChildProcess, inspector: WebSocket, places: StorePlaces) {
    this.#child = child;
    this.#inspector = inspector;
    this.socket = join(places.runRoot, "lade.sock");
    const { promise, reject } = Promise.withResolvers<never>();
    this.died = promise;
    promise.catch(() => undefined);
    let written = "";
    child.stderr?.on("data", (data: Buffer) => {
      written += String(data);
      if (!written.includes("Waiting for the debugger to disconnect")) return;
      child.kill("SIGKILL");
      reject(new Error(`lade serve ended by itself:\n${written}`));
    });
    inspector.addEventListener("message", ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id: number; result: unknown };
      this.#answers.get(id)?.(result);
      this.#answers.delete(id);
    });
  }

  static async start(program: string, places: StorePlaces): Promise<WatchedServer> {
    const preload = `--import=data:text/javascript,${encodeURIComponent(tellWhy)}`;
    const flags = ["--inspect=127.0.0.1:0", "--disable-warning=ExperimentalWarning", preload];
    const words = [...flags, program];
    const env = { ...process.env, LADE_ROOT: places.root, LADE_RUN_ROOT: places.runRoot };
    const stdio = ["ignore", "ignore", "pipe"] as const;
    const child = spawn(process.execPath, [...words, "serve"], { env, stdio: [...stdio] });
    try {
      const inspector = new WebSocket(await inspectorOf(child));
      await once(inspector, "open");
      return new WatchedServer(child, inspector, places);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  request(method: string, path: string, options: ApiRequest = {}): Promise<ApiAnswer> {
    return send(this.socket, { method, path, ...options });
  }

  /** Waits until nothing changes any more, and measures. */
  async sizes(): Promise<Sizes> {
    await this.#settled();
    for (let turn = 0; turn < 3; turn++) await this.#ask("HeapProfiler.collectGarbage");
    const expression = "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";
    const answer = (await this.#ask("Runtime.evaluate", { expression })) as {
      readonly result: { readonly value: number };
    };
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    const figure = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
    return {
      descriptors: this.#descriptors(),
      threads: figure("Threads"),
      resident: figure("VmRSS") * 1024,
      held: answer.result.value,
    };
  }

  #descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  async #settled(): Promise<void> {
    const end = Date.now() + settleMs;
    let least = Infinity;
    for (let same = 0; same < 10 && Date.now() < end; same++) {
      await delay(50);
      const now = this.#descriptors();
      if (now < least) same = 0;
      least = Math.min(least, now);
    }
  }

  #ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#calls;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#answers.set(id, resolve);
    this.#inspector.send(JSON.stringify({ id, method, params }));
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#inspector.close();
    if (!this.isRunning) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), settleMs);
    await exited;
    clearTimeout(timer);
  }
}

/** @returns the address by which a debugger talks to it, once it answers clients, too */
async function inspectorOf(child: ChildProcess): Promise<string> {
  let written = "";
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fail = () => reject(new Error(`lade serve did not listen:\n${written}`));
  const timer = setTimeout(fail, readyMs);
  child.once("exit", fail);
  child.stderr?.on("data", (data: Buffer) => {
    written += String(data);
    const address = /ws:\/\/\S+/.exec(written)?.[0];
    if (address !== undefined && written.includes("API listen on ")) resolve(address);
  });
  return await promise.finally(() => {
    clearTimeout(timer);
    child.off("exit", fail);
  });
}
