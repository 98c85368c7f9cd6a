// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { accessSync, closeSync, constants, openSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

export interface RunOptions {
  readonly cwd?: string;
  /** Variables on top of this process's own; `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What the command reads from its standard input; nothing if neither this nor `stdinFile`. */
  readonly input?: string | Uint8Array;
  /** A file that is opened as the command's standard input. */
  readonly stdinFile?: string;
  /** A file that is made, or cut to nothing, as the command's standard output. */
  readonly stdoutFile?: string;
  /** The command is killed after this long, and `run` throws. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** UTF-8; empty with `stdoutFile`. */
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; 128 + the signal's number for a command that a signal ended, as shells say it. */
  readonly code: number;
}

const signalNumbers: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/**
 * Runs a command without a shell and waits for its end. Any exit code is a result, not an error.
 *
 * @throws Error if the command can't be started or runs into `timeoutMs`
 */
export async function run(
  command: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<RunResult> {
  const opened: number[] = [];
  try {
    const stdin = options.stdinFile === undefined ? "pipe" : openSync(options.stdinFile, "r");
    if (stdin !== "pipe") opened.push(stdin);
    const stdout = options.stdoutFile === undefined ? "pipe" : openSync(options.stdoutFile, "w");
    if (stdout !== "pipe") opened.push(stdout);
    return await runWith(command, args, options, [stdin, stdout]);
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

function runWith(
  command: string,
  args: readonly string[],
  options: RunOptions,
  [stdin, stdout]: readonly ["pipe" | number, "pipe" | number],
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env === undefined ? process.env : { ...process.env, ...options.env },
      stdio: [stdin, stdout, "pipe"],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    // A command that stops reading early breaks the pipe; its exit code tells the story.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
    let late = false;
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            child.kill("SIGKILL");
          }, options.timeoutMs);
    child.once("error", (cause) => {
      clearTimeout(timer);
      reject(new Error(`${command}: can't be started: ${cause.message}`, { cause }));
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      const stderr = Buffer.concat(err).toString();
      if (late) {
        reject(
          new Error(`${spelled(command, args)}: not done after ${options.timeoutMs} ms\n${stderr}`),
        );
        return;
      }
      resolve({
        stdout: Buffer.concat(out).toString(),
        stderr,
        code: code ?? 128 + (signalNumbers[signal ?? ""] ?? 0),
      });
    });
  });
}

/**
 * Like {@link run}, for commands that must succeed.
 *
 * @throws Error with the command, its exit code and what it printed, unless it exits 0
 */
export async function runOrThrow(
  command: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<RunResult> {
  const result = await run(command, args, options);
  if (result.code !== 0) {
    throw new Error(
      `${spelled(command, args)}: exit ${result.code}\n${result.stderr}${result.stdout.slice(-2000)}`,
    );
  }
  return result;
}

/**
 * Finds a program, by name on PATH or by absolute path.
 *
 * @returns its path
 * @throws Error that names the Debian package to install
 */
export function requireTool(name: string, debianPackage: string): string {
  const places = isAbsolute(name)
    ? [name]
    : [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"]
        .filter((folder) => isAbsolute(folder))
        .map((folder) => join(folder, name));
  const found = places.find(isExecutable);
  if (found === undefined) {
    throw new Error(
      `${name}: not found; it comes with the Debian package ${debianPackage} ` +
        `(apt-get install ${debianPackage})`,
    );
  }
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function spelled(command: string, args: readonly string[]): string {
  return [command, ...args].map(shellQuote).join(" ");
}

/** One word of a POSIX shell command line, quoted where it must be. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
