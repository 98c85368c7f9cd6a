// SPDX-License-Identifier: Apache-2.0

import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError, LadeError } from "../base/errors.ts";
import { cgroupsOf } from "./cgroup.ts";
import { findProgram } from "./tools.ts";
import type { TopResult } from "./types.ts";

/**
 * The processes of a container as the host's `ps` shows them (daemon/top_unix.go of moby).
 *
 * @param pid of the container's first process, in the host's numbers
 * @param psArguments empty: `-ef`
 * @throws LadeError CONTAINER_INVALID for arguments that `ps` does not take, in Docker's words;
 *   RUNTIME_MISSING
 */
export async function listProcesses(pid: number, psArguments: string): Promise<TopResult> {
  const words = psArguments === "" ? "-ef" : psArguments;
  checkPsArguments(words);
  const ps = findProgram("ps");
  if (ps === undefined) {
    throw new LadeError("RUNTIME_MISSING", "ps: not found", {
      hint: "Install it: apt-get install procps.",
    });
  }
  const pids = processesOf(pid);
  const list = words.split(" ");
  const narrow = await runPs(ps, [...list, `-q${pids.join(",")}`]);
  // Some options, such as f, don't go together with a choice of processes.
  const answer = narrow.code === 0 ? narrow : await runPs(ps, list);
  if (answer.code !== 0) {
    const [line = ""] = answer.stderr.split("\n");
    throw new LadeError("CONTAINER_INVALID", `ps: ${line || `exit status ${answer.code}`}`);
  }
  return parsePs(answer.stdout, new Set(pids));
}

/** All processes in the cgroup of a process and below, in the host's numbers, sorted. */
export function processesOf(pid: number): readonly number[] {
  const folders = cgroupsOf(pid);
  const folder = folders.get("pids") ?? folders.get("") ?? folders.get("devices");
  if (folder === undefined) return [];
  return procsBelow(folder).sort((a, b) => a - b);
}

function procsBelow(folder: string): number[] {
  try {
    const text = fs.readFileSync(join(folder, "cgroup.procs"), "latin1");
    const own = text.split("\n").filter(Boolean).map(Number);
    const folders = fs
      .readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory());
    return [...own, ...folders.flatMap(({ name }) => procsBelow(join(folder, name)))];
  } catch (error) {
    if (isSystemError(error, "ENOENT") || isSystemError(error, "ENODEV")) return [];
    throw error;
  }
}

/** A column that is named PID but is none would show processes of others. */
function checkPsArguments(words: string): void {
  for (const [, name, value] of words.matchAll(/\s+(\S*)=\s*(PID\S*)/g)) {
    if (name !== "pid") {
      throw new LadeError("CONTAINER_INVALID", `specifying "${name}=${value}" is not allowed`);
    }
  }
}

interface PsAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runPs(ps: string, words: readonly string[]): Promise<PsAnswer> {
  return new Promise((resolve) => {
    execFile(ps, words, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}

/**
 * Picks a container's lines out of what `ps` printed.
 *
 * @throws LadeError CONTAINER_INVALID where no column tells the process
 */
export function parsePs(output: string, pids: ReadonlySet<number>): TopResult {
  const [titles = [], ...lines] = output.split("\n").map(fields);
  const column = titles.indexOf("PID");
  if (column < 0) {
    throw new LadeError("CONTAINER_INVALID", "Couldn't find PID field in ps output");
  }
  const processes: string[][] = [];
  let isOurs = false;
  for (const line of lines) {
    if (line.length === 0) continue;
    const pid = line[column] ?? "";
    // A thread's line follows its process's.
    if (pid !== "-") {
      if (!/^\d+$/.test(pid)) {
        throw new LadeError("CONTAINER_INVALID", `Unexpected pid '${pid}'`);
      }
      isOurs = pids.has(Number(pid));
    }
    if (!isOurs) continue;
    const last = titles.length - 1;
    processes.push([...line.slice(0, last), line.slice(last).join(" ")]);
  }
  return { Titles: titles, Processes: processes };
}

function fields(line: string): string[] {
  return line.split(/[\t\n\f\r ]+/).filter(Boolean);
}
