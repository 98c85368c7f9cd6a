// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isSystemError, LadeError } from "../base/errors.ts";

const mostText = 65536;

/**
 * The last error that a runtime wrote to its log of JSON lines (`--log-format json`).
 *
 * @returns empty where there is none
 */
export function readRuntimeLog(path: string): string {
  let text: string;
  try {
    text = fs.readFileSync(path, "utf8").slice(-mostText);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return "";
    throw error;
  }
  return lastRuntimeError(text);
}

/** The last error among a runtime's messages, be they JSON lines or plain ones. */
export function lastRuntimeError(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const errors = lines.flatMap((line) => errorOf(line) ?? []);
  return errors.at(-1) ?? "";
}

function errorOf(line: string): string | undefined {
  if (!line.startsWith("{")) return line;
  try {
    const { level, msg } = JSON.parse(line) as { level?: unknown; msg?: unknown };
    const isError = level === "error" || level === "fatal";
    return isError && typeof msg === "string" ? msg.trim() : undefined;
  } catch {
    return line;
  }
}

export type RuntimeStep = "create" | "start" | "exec";

/**
 * The error of a runtime in Docker's words, with the code that `run` makes its exit code from: 126
 * for a command that can't be run, 127 for one that is not there (`daemon/errors.go` of moby, and
 * docker/cli, both by the text).
 */
export function runtimeError(step: RuntimeStep, text: string): LadeError {
  const shown = `${prefixes[step]}${text}: unknown`;
  if (/permission denied/i.test(text)) return new LadeError("COMMAND_NOT_EXECUTABLE", shown);
  if (/is a directory/i.test(text)) {
    return new LadeError("COMMAND_NOT_EXECUTABLE", `${shown}: permission denied`);
  }
  if (/not a directory/i.test(text)) {
    return new LadeError("RUNTIME_FAILED", `${shown}: ${directoryOnFile}`);
  }
  if (/executable file .*not found|no such file or directory/i.test(text)) {
    return new LadeError("COMMAND_NOT_FOUND", shown);
  }
  return new LadeError("RUNTIME_FAILED", shown, { hint: hintFor(text) });
}

const task = "failed to create task for container: failed to create shim task: ";
const prefixes: Readonly<Record<RuntimeStep, string>> = {
  create: `${task}OCI runtime create failed: `,
  start: "failed to start task: OCI runtime start failed: ",
  exec: "OCI runtime exec failed: ",
};
const directoryOnFile =
  "Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host " +
  "path exists and is the expected type";

function hintFor(text: string): string | undefined {
  if (!/rlimit/i.test(text)) return undefined;
  return "The limit is higher than this machine lets lade set: ask for less with --ulimit.";
}
