// SPDX-License-Identifier: Apache-2.0

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** The words of `lade`, to be followed by a command. */
export const ladeWords: readonly string[] = [
  process.execPath,
  "--disable-warning=ExperimentalWarning",
  join(import.meta.dirname, "../../bin/main.ts"),
];

/** A folder that other users can go through, with a store and a run root in it. */
export function serveFolder(): Disposable & { readonly path: string; readonly env: object } {
  const path = mkdtempSync(join(tmpdir(), "lade-serve-"));
  chmodSync(path, 0o711);
  return {
    path,
    env: { ...process.env, LADE_ROOT: join(path, "store"), LADE_RUN_ROOT: join(path, "run") },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

export interface ServeProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  output(): string;
  /** Waits for a text in its output. @throws Error where it ends before */
  says(text: string): Promise<void>;
  /** Exit code, or the signal that ended it. */
  exit(): Promise<number | string>;
}

export function startServe(env: object, ...args: string[]): ServeProcess {
  const [program = "", ...words] = [...ladeWords, ...args];
  return watchServe(spawn(program, words, { env: { ...env }, stdio: ["ignore", "pipe", "pipe"] }));
}

export function watchServe(child: ChildProcess): ServeProcess {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
  }
  const closed = once(child, "close");
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    child,
    output: () => text,
    async says(wanted) {
      await eventually(`${wanted} in the output`, () => {
        if (text.includes(wanted)) return true;
        if (hasEnded()) throw new Error(`it ended and did not say ${wanted}:\n${text}`);
        return false;
      });
    },
    async exit() {
      await closed;
      return child.exitCode ?? child.signalCode ?? "";
    },
    async [Symbol.asyncDispose]() {
      if (!hasEnded()) child.kill("SIGKILL");
      await closed;
    },
  };
}

/** Waits until something holds. */
export async function eventually(what: string, check: () => boolean | Promise<boolean>) {
  for (let tries = 0; tries < 1200; tries++) {
    if (await check()) return;
    await delay(25);
  }
  throw new Error(`it does not come: ${what}`);
}

/** Sends bytes as they are, and gives what comes back until the server ends the connection. */
export async function sendBytes(socketPath: string, ...parts: (string | Uint8Array)[]) {
  const socket = connect(socketPath);
  const received: Buffer[] = [];
  socket.on("data", (part: Buffer) => received.push(part));
  socket.on("error", () => {});
  for (const part of parts) socket.write(part);
  await once(socket, "close");
  return Buffer.concat(received).toString("latin1");
}

/** How many files a process has open. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
