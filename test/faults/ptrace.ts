// SPDX-License-Identifier: Apache-2.0

/**
 * Runs a program and stops it before and after each of its system calls, in the order in which its
 * threads make them: to kill it there, to have a call fail, or to make a write shorter.
 *
 * strace counts the calls of each thread and each kind by themselves, so not every moment of a
 * program with threads can be named to it, and it can't shorten writes.
 *
 * @see ptrace(2); registers are those of x86-64
 */

import { dlopen, getRawPointer } from "node:ffi";
import * as fs from "node:fs";
import { Worker } from "node:worker_threads";
import { kindsByNumber } from "./call-kinds.ts";

export interface TracedCall {
  readonly name: string;
  readonly args: readonly bigint[];
  readonly pid: number;
  /** The text at an address of the program. */
  text(address: bigint): string;
  /** What one of its descriptors stands for, as /proc has it. */
  file(descriptor: bigint): string;
}

export type CallFault =
  | { readonly kind: "kill" }
  /** The call is not made; `errno` is what its caller is told. */
  | { readonly kind: "error"; readonly errno: number }
  /** A write of so many bytes instead. */
  | { readonly kind: "short"; readonly size: bigint };

export interface TraceOptions {
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Files for the three standard streams. */
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Asked before each call of `call-kinds.ts`. */
  onCall(call: TracedCall): CallFault | undefined;
  /** Called once the program has its streams and has not begun yet. */
  onReady?(): void;
  readonly patienceMs: number;
}

export interface TraceResult {
  /** 128 and the signal's number for one that was killed. */
  readonly exitCode: number;
  readonly isLate: boolean;
}

interface Libc {
  ptrace(request: number, pid: number, address: bigint, data: bigint): bigint;
  waitpid(pid: number, status: Uint8Array, options: number): number;
  posix_spawn(
    pid: Uint8Array,
    path: string,
    actions: bigint,
    attributes: bigint,
    argv: Uint8Array,
    env: Uint8Array,
  ): number;
  sched_setaffinity(pid: number, size: bigint, mask: Uint8Array): number;
}

let loaded: Libc | undefined;

function libc(): Libc {
  loaded ??= dlopen(null, {
    ptrace: { return: "i64", arguments: ["i32", "i32", "u64", "u64"] },
    waitpid: { return: "i32", arguments: ["i32", "buffer", "i32"] },
    posix_spawn: {
      return: "i32",
      arguments: ["buffer", "string", "u64", "u64", "buffer", "buffer"],
    },
    sched_setaffinity: { return: "i32", arguments: ["i32", "u64", "buffer"] },
  }).functions as unknown as Libc;
  return loaded;
}

/**
 * Keeps this process and all that it starts on one core: tracer and traced never run at the same
 * time, and on one core each stop takes half as long.
 */
export function stayOnCore(core: number): void {
  const mask = Buffer.alloc(128);
  mask[Math.floor(core / 8)] = 2 ** (core % 8);
  libc().sched_setaffinity(0, BigInt(mask.length), mask);
}

/** Whether this machine's registers are known here. */
export const canTrace: boolean = process.platform === "linux" && process.arch === "x64";

// <sys/ptrace.h>.
const getRegisters = 12;
const setRegisters = 13;
const resumeToCall = 24;
const seize = 0x4206;
const callInfo = 0x420e;
// PTRACE_O_TRACESYSGOOD, _TRACECLONE and _EXITKILL, added since they share no bit.
const seizeOptions = 0x1n + 0x8n + 0x10_0000n;
// WUNTRACED and __WALL of <sys/wait.h>.
const untraced = 2;
const allThreads = 0x4000_0000;
const trap = 5;
/** What is added to the signal of a stop for a system call. */
const callStop = 0x80;

/** Places in struct user_regs_struct of <sys/user.h>. */
const register = { rax: 10 * 8, rdx: 12 * 8, orig_rax: 15 * 8 } as const;
const registersSize = 27 * 8;

const info: Buffer = Buffer.alloc(88);
const registers: Buffer = Buffer.alloc(registersSize);
const status: Buffer = Buffer.alloc(4);

function stringList(list: readonly string[]): {
  readonly pointers: Buffer;
  readonly held: readonly Buffer[];
} {
  const texts = list.map((text) => Buffer.from(`${text}\0`));
  const pointers = Buffer.alloc(8 * (texts.length + 1));
  for (const [index, text] of texts.entries()) {
    pointers.writeBigUInt64LE(getRawPointer(text), index * 8);
  }
  return { pointers, held: texts };
}

/** Not by Node: it would wait for the child, too, and the first to ask gets the answer. */
function spawnStopped(options: TraceOptions): number {
  const { stdin, stdout, stderr } = options;
  const script = 'exec <"$1" >"$2" 2>"$3"; shift 3; kill -STOP $$; exec "$@"';
  const argv = stringList(["sh", "-c", script, "sh", stdin, stdout, stderr, ...options.command]);
  const env = stringList(
    Object.entries(options.env).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${value}`],
    ),
  );
  const pid = Buffer.alloc(4);
  const failed = libc().posix_spawn(pid, "/bin/sh", 0n, 0n, argv.pointers, env.pointers);
  if (failed !== 0) throw new Error(`posix_spawn: error ${failed}`);
  // The texts must outlive the call that gets their addresses.
  if (argv.held.length + env.held.length === 0) throw new Error("a command has words");
  const child = pid.readInt32LE();
  libc().waitpid(child, status, untraced);
  if ((status.readInt32LE() & 0xff) !== 0x7f) throw new Error("the program ended before it began");
  return child;
}

/** Runs the program to its end. Nothing else of this process runs meanwhile. */
export function runTraced(options: TraceOptions): TraceResult {
  const child = spawnStopped(options);
  options.onReady?.();
  if (libc().ptrace(seize, child, 0n, seizeOptions) !== 0n) {
    process.kill(child, "SIGKILL");
    throw new Error("ptrace is not allowed here");
  }
  process.kill(child, "SIGCONT");
  armWatchdog(child, options.patienceMs);
  return new Tracer(child, options).run();
}

class Tracer {
  readonly #child: number;
  readonly #options: TraceOptions;
  /** What a thread's call that has begun is to be told at its end. */
  readonly #pending = new Map<number, CallFault & { readonly rdx: bigint }>();

  constructor(child: number, options: TraceOptions) {
    this.#child = child;
    this.#options = options;
  }

  run(): TraceResult {
    for (;;) {
      const pid = this.#wait();
      const word = status.readUInt32LE();
      const low = word & 0xff;
      if (low !== 0x7f) {
        if (pid !== this.#child) continue;
        const signal = low & 0x7f;
        const exitCode = signal === 0 ? (word >>> 8) & 0xff : 128 + signal;
        return { exitCode, isLate: disarmWatchdog() };
      }
      this.#onStop(pid, (word >>> 8) & 0xff, word >>> 16);
    }
  }

  #wait(): number {
    const pid = libc().waitpid(-1, status, allThreads);
    if (pid < 0) throw new Error("no child to wait for");
    return pid;
  }

  #onStop(pid: number, signal: number, event: number): void {
    let passedOn = 0n;
    if (signal === trap + callStop) {
      this.#onCallStop(pid);
    } else if (event === 0) {
      passedOn = BigInt(signal);
    }
    libc().ptrace(resumeToCall, pid, 0n, passedOn);
  }

  #onCallStop(pid: number): void {
    const size = libc().ptrace(callInfo, pid, BigInt(info.length), getRawPointer(info));
    if (size <= 0n) return;
    const isEntry = info[0] === 1;
    if (isEntry) this.#onEntry(pid);
    else this.#onExit(pid);
  }

  #onEntry(pid: number): void {
    const name = kindsByNumber.get(Number(info.readBigUInt64LE(24)));
    if (name === undefined) return;
    const args = [0, 1, 2, 3, 4, 5].map((index) => info.readBigUInt64LE(32 + 8 * index));
    const fault = this.#options.onCall({
      name,
      args,
      pid,
      text: (address) => textAt(pid, address),
      file: (descriptor) => fileOf(pid, descriptor),
    });
    if (fault === undefined) return;
    if (fault.kind === "kill") {
      process.kill(this.#child, "SIGKILL");
      return;
    }
    libc().ptrace(getRegisters, pid, 0n, getRawPointer(registers));
    const rdx = registers.readBigUInt64LE(register.rdx);
    if (fault.kind === "error") registers.writeBigInt64LE(-1n, register.orig_rax);
    else registers.writeBigUInt64LE(fault.size, register.rdx);
    libc().ptrace(setRegisters, pid, 0n, getRawPointer(registers));
    this.#pending.set(pid, { ...fault, rdx });
  }

  #onExit(pid: number): void {
    const fault = this.#pending.get(pid);
    if (fault === undefined) return;
    this.#pending.delete(pid);
    libc().ptrace(getRegisters, pid, 0n, getRawPointer(registers));
    if (fault.kind === "error") registers.writeBigInt64LE(BigInt(-fault.errno), register.rax);
    // A call leaves all registers but its answer as they were.
    registers.writeBigUInt64LE(fault.rdx, register.rdx);
    libc().ptrace(setRegisters, pid, 0n, getRawPointer(registers));
  }
}

/** Whom to kill, when (milliseconds of the watchdog's own clock from now), and whether it was. */
const watched: Int32Array = new Int32Array(new SharedArrayBuffer(12));
let watchdog: Worker | undefined;

/** A thread of its own: the tracer's waits for stops and does nothing else. */
const watchdogSource = `
const watched = require("node:worker_threads").workerData;
setInterval(() => {
  const pid = Atomics.load(watched, 0);
  if (pid === 0 || Atomics.sub(watched, 1, 100) > 0) return;
  Atomics.store(watched, 2, 1);
  Atomics.store(watched, 0, 0);
  try { process.kill(pid, "SIGKILL"); } catch {}
}, 100);`;

function armWatchdog(pid: number, patienceMs: number): void {
  if (watchdog === undefined) {
    watchdog = new Worker(watchdogSource, { eval: true, workerData: watched });
    watchdog.unref();
  }
  Atomics.store(watched, 1, patienceMs);
  Atomics.store(watched, 2, 0);
  Atomics.store(watched, 0, pid);
}

/** @returns whether it bit */
function disarmWatchdog(): boolean {
  Atomics.store(watched, 0, 0);
  return Atomics.load(watched, 2) === 1;
}

const longestText = 4096;

function textAt(pid: number, address: bigint): string {
  if (address === 0n) return "";
  const fd = fs.openSync(`/proc/${pid}/mem`, "r");
  try {
    const bytes = Buffer.alloc(longestText);
    let count = 0;
    // Not over the end of a page: the next one may not be there.
    while (count < longestText) {
      const at = address + BigInt(count);
      const left = 4096 - Number(at % 4096n);
      const got = fs.readSync(fd, bytes, count, Math.min(left, longestText - count), at);
      const end = bytes.indexOf(0, count);
      if (end >= 0 && end < count + got) return bytes.toString("utf8", 0, end);
      count += got;
    }
    return bytes.toString("utf8");
  } finally {
    fs.closeSync(fd);
  }
}

function fileOf(pid: number, descriptor: bigint): string {
  const fd = BigInt.asIntN(32, descriptor);
  try {
    // AT_FDCWD of <fcntl.h>.
    return fs.readlinkSync(fd === -100n ? `/proc/${pid}/cwd` : `/proc/${pid}/fd/${fd}`);
  } catch {
    return "";
  }
}
