// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { unmountBelow } from "../test/helpers/mounts.ts";
import { shellQuote } from "../test/helpers/tools.ts";
import type { Program } from "./contenders.ts";

/** An engine behind Docker's API. */
export interface ApiProgram extends Program {
  readonly socket: string;
}

/** `lade serve` of this checkout, which the docker command talks to. */
export interface LadeServer extends AsyncDisposable {
  readonly program: ApiProgram;
  /** Resident memory, bytes. */
  readonly idleMemory: number;
}

const ladeCommand = resolve(import.meta.dirname, "../bin/lade");
const debianDocker = "/usr/bin/docker";

/** Starts `lade serve` on a store of its own below the folder. */
export async function startLadeServer(folder: string): Promise<LadeServer> {
  const runRoot = join(folder, "run");
  await mkdir(runRoot, { recursive: true, mode: 0o700 });
  const env = { ...process.env, LADE_ROOT: join(folder, "store"), LADE_RUN_ROOT: runRoot };
  const child = spawn(ladeCommand, ["serve"], { env, stdio: ["ignore", "ignore", "pipe"] });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    unmountBelow(folder);
  };
  try {
    await listening(child);
  } catch (error) {
    await stop();
    throw error;
  }
  const socket = join(runRoot, "lade.sock");
  const program: ApiProgram = {
    name: "lade",
    words: [debianDocker, "-H", `unix://${socket}`].map(shellQuote).join(" "),
    shown: "docker -H lade.sock",
    socket,
    ...(child.pid !== undefined && { daemonPid: child.pid }),
  };
  return { program, idleMemory: residentMemory(child.pid ?? 0), [Symbol.asyncDispose]: stop };
}

async function listening(child: ChildProcess): Promise<void> {
  const { promise, resolve: done, reject } = Promise.withResolvers<void>();
  let said = "";
  child.once("exit", () => reject(new Error(`lade serve did not listen: ${said}`)));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    if (said.length < 4096) said += text;
    if (said.includes("API listen on ")) done();
  });
  await promise;
}

function residentMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
