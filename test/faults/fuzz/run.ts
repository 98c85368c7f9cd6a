// SPDX-License-Identifier: Apache-2.0

/** Runs targets in processes of their own, which can hang or take all memory and be told of. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface FuzzReport {
  readonly name: string;
  readonly runs: number;
  readonly seconds: number;
  /** Megabytes at most. */
  readonly memory: number;
  readonly failures: readonly string[];
}

/** A single execution takes milliseconds, the check of a store or a server some seconds. */
const silenceMs = 60_000;
/** What JavaScript may take: more ends the process. */
const heapFlag = "--max-old-space-size=600";
/** Of the process with fast-check in it; a window of zstd may take 128 of them. */
const mostMegabytes = 1000;

/**
 * @param seed the same seed makes the same executions
 */
export async function fuzz(name: string, seed: number, runs: number): Promise<FuzzReport> {
  const started = performance.now();
  const script = join(import.meta.dirname, "child.ts");
  const node = [process.execPath, heapFlag, "--disable-warning=ExperimentalWarning", script];
  // A network of its own: what random requests set up there is seen by nobody.
  const words = ["--net", ...node, name, String(seed), String(runs)];
  const child = spawn("unshare", words, { stdio: ["ignore", "pipe", "pipe"] });
  const errors: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  const closed = once(child, "close");
  let last: { done: number; failures?: string[] } = { done: 0 };
  let memory = 0;
  let isSilent = false;
  const stop = () => {
    isSilent = true;
    child.kill("SIGKILL");
  };
  let timer = setTimeout(stop, silenceMs);
  for await (const line of createInterface({ input: child.stdout })) {
    clearTimeout(timer);
    timer = setTimeout(stop, silenceMs);
    last = JSON.parse(line) as typeof last;
    memory = Math.max(memory, memoryOf(child.pid));
  }
  clearTimeout(timer);
  await closed;
  const seconds = Math.round((performance.now() - started) / 1000);
  const report = { name, runs: last.done, seconds, memory };
  const place = `${name}, seed ${seed}, ${last.done} of ${runs} runs`;
  const failures = (last.failures ?? []).map((failure) => `${place}: ${failure}`);
  if (isSilent) failures.push(`${place}: it hangs`);
  else if (last.failures === undefined) failures.push(`${place}: it ended\n${errors.join("")}`);
  if (memory > mostMegabytes) failures.push(`${place}: it took ${memory} MB`);
  return { ...report, failures };
}

function memoryOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024);
  } catch {
    return 0;
  }
}
