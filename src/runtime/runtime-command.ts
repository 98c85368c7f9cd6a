// SPDX-License-Identifier: Apache-2.0

import { spawn } from "node:child_process";
import { ioError } from "../base/io-error.ts";
import type { RunPaths } from "../rootfs/run-paths.ts";
import { processPaths, runtimeRoot } from "./process-paths.ts";
import { readProcessRecord } from "./process-record.ts";
import { lastRuntimeError } from "./runtime-messages.ts";
import { findTools } from "./tools.ts";

export interface RuntimeCommand {
  readonly run: RunPaths;
  /** The container; its own runtime is used. */
  readonly id: string;
  /** Such as `kill`. */
  readonly command: string;
  readonly options?: readonly string[] | undefined;
  /** What follows the container's ID. */
  readonly more?: readonly string[] | undefined;
}

export interface RuntimeAnswer {
  readonly code: number;
  readonly stdout: string;
  /** What the runtime said went wrong; empty for code 0. */
  readonly error: string;
}

const mostOutput = 1024 * 1024;

/**
 * Runs one command of the OCI runtime, such as `start` or `kill`.
 *
 * @throws LadeError RUNTIME_MISSING, IO_FAILED when it can't be started
 */
export async function runRuntime(command: RuntimeCommand): Promise<RuntimeAnswer> {
  const { run, id, options = [], more = [] } = command;
  const { runtime } = readProcessRecord(processPaths(run, id)) ?? findTools();
  const words = [
    ...["--root", runtimeRoot(run), "--log-format", "json"],
    ...[command.command, ...options, id, ...more],
  ];
  const child = spawn(runtime, words, { cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    stdout = (stdout + chunk).slice(-mostOutput);
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    stderr = (stderr + chunk).slice(-mostOutput);
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", (error) => reject(ioError(error, `start ${runtime}`)));
    child.once("close", (exit) => resolve(exit ?? 1));
  });
  const error = code === 0 ? "" : lastRuntimeError(stderr) || `${runtime}: exit code ${code}`;
  return { code, stdout, error };
}
