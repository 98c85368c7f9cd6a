// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";

export interface ShellOptions {
  readonly env: Readonly<Record<string, string>>;
  /** The command and all that it started are killed after this long. */
  readonly timeoutMs: number;
  /** What errors show as the command; all of it where undefined. */
  readonly shown?: string | undefined;
}

const running = new Set<ChildProcess>();

/** Ends commands that still run; for a bench that is stopped. */
export function endCommands(): void {
  for (const child of running) killGroup(child);
}

/**
 * Runs a command line in bash with `pipefail`; what it prints is thrown away.
 *
 * It is a process group of its own, since a killed shell alone would leave its commands running.
 *
 * @throws Error with the end of its standard error if it fails or takes too long
 */
export async function shell(command: string, options: ShellOptions): Promise<void> {
  const child = spawn("/bin/bash", ["-o", "pipefail", "-c", command], {
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  running.add(child);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    killGroup(child);
  }, options.timeoutMs);
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject).once("close", resolve);
    });
    const late = `not done after ${options.timeoutMs / 1000} s`;
    if (code !== 0)
      throw new Error(failureText(options.shown ?? command, isLate ? late : `exit ${code}`, said));
  } finally {
    clearTimeout(timer);
    running.delete(child);
  }
}

function failureText(command: string, what: string, said: string): string {
  const last = said.trim().split("\n").slice(-3).join(" ").slice(0, 400);
  return `${what}: ${last} (${command.slice(0, 400)})`;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
