// SPDX-License-Identifier: Apache-2.0

/** One command, run again and again on the same store, with one of its system calls disturbed. */

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { mountsBelow, unmountBelow } from "../helpers/mounts.ts";
import { endProcesses, processesWith } from "../helpers/processes.ts";
import { type ErrorName, errorNumbers, errorsOf, type Mutation, mutationOf } from "./call-kinds.ts";
import { type CaseFiles, type CommandCase, makeCaseFiles } from "./command-cases.ts";
import { type CallFault, runTraced } from "./ptrace.ts";
import { emptyState, inspectStore, type StoreState } from "./store-state.ts";

/** What happens at a call, counted from 1 among those that change something. */
export type Disturbance =
  | { readonly kind: "kill"; readonly index: number }
  | {
      readonly kind: "error";
      readonly index: number;
      readonly error: ErrorName;
      /** All calls from there on that can fail so do. */
      readonly isLasting: boolean;
    }
  | { readonly kind: "short"; readonly index: number };

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DisturbedRun extends Ended {
  /** The call that was disturbed; undefined where the command ended before. */
  readonly hit: Mutation | undefined;
  /** It had to be killed, since it did not end by itself. */
  readonly isLate: boolean;
}

const patienceMs = 20_000;

export class CallBed implements Disposable {
  readonly #folder: string = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "lade-calls-")));
  readonly #program: string;
  readonly #case: CommandCase;
  readonly #files: CaseFiles;
  readonly #fifo: string;
  readonly places: { readonly root: string; readonly runRoot: string };
  readonly #remove = () => this[Symbol.dispose]();

  /** @param program what Node starts as lade */
  constructor(program: string, command: CommandCase) {
    process.once("exit", this.#remove);
    this.#program = program;
    this.#case = command;
    this.#files = makeCaseFiles(this.#folder);
    this.#fifo = join(this.#folder, "fifo");
    this.places = { root: join(this.#folder, "store"), runRoot: join(this.#folder, "run") };
    spawnSync("mkfifo", [this.#fifo]);
    this.#makeBase();
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#remove);
    this.#endAll();
    fs.rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }

  get #base(): string {
    return join(this.#folder, "base");
  }

  #makeBase(): void {
    fs.mkdirSync(this.places.runRoot, { recursive: true });
    for (const args of this.#case.before(this.#files)) {
      const { exitCode, stderr } = this.run(args);
      if (exitCode !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
    }
    if (!fs.existsSync(this.places.root)) return;
    this.#case.spoil?.(this.places.root);
    copyFolder(this.places.root, this.#base);
  }

  /** The store as it was before the command, and nothing of any other run. */
  restore(): void {
    this.#endAll();
    const { root, runRoot } = this.places;
    for (const path of [root, runRoot, this.#files.out]) {
      fs.rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    }
    fs.mkdirSync(runRoot);
    fs.mkdirSync(this.#files.out);
    if (fs.existsSync(this.#base)) copyFolder(this.#base, root);
  }

  #endAll(): void {
    endProcesses(this.#folder);
    unmountBelow(this.#folder);
  }

  #environment(): NodeJS.ProcessEnv {
    const { root, runRoot } = this.places;
    // One thread beside the main one, so that the calls come in nearly the same order each time.
    return { ...process.env, LADE_ROOT: root, LADE_RUN_ROOT: runRoot, UV_THREADPOOL_SIZE: "1" };
  }

  #command(args: readonly string[]): string[] {
    return ["--disable-warning=ExperimentalWarning", this.#program, ...args];
  }

  /** Runs lade undisturbed. */
  run(args: readonly string[], stdin?: string): Ended {
    const result = spawnSync(process.execPath, this.#command(args), {
      env: this.#environment(),
      encoding: "utf8",
      ...(stdin === undefined
        ? { stdio: ["ignore", "pipe", "pipe"] as const }
        : { input: fs.readFileSync(stdin) }),
      timeout: patienceMs,
      killSignal: "SIGKILL",
    });
    const { status, stdout, stderr } = result;
    return { exitCode: status ?? 137, stdout: String(stdout), stderr: String(stderr) };
  }

  /** Runs the command of the case undisturbed. */
  runCase(): Ended {
    return this.run(this.#case.args(this.#files), this.#case.stdin?.(this.#files));
  }

  get name(): string {
    return this.#case.name;
  }

  /** Whether what the command leaves where all fails goes with other commands. */
  get hasSweep(): boolean {
    return this.#case.sweep !== undefined;
  }

  /** What may be there besides the states before and after the command. */
  runBetween(): boolean {
    const { between } = this.#case;
    return between !== undefined && this.run(between).exitCode === 0;
  }

  /** The command once more, and what sweeps. */
  runAgain(): Ended[] {
    const sweeps = (this.#case.sweep ?? []).map((args) => () => this.run(args));
    return [() => this.runCase(), ...sweeps].map((work) => work());
  }

  disturb(plan: Disturbance | undefined): DisturbedRun {
    const roots = [this.places.root, this.places.runRoot, this.#files.out];
    const [stdout, stderr] = ["stdout", "stderr"].map((name) => join(this.#folder, name));
    if (stdout === undefined || stderr === undefined) throw new Error("two names give two paths");
    const input = this.#openInput();
    let hit: Mutation | undefined;
    this.mutations.length = 0;
    const { exitCode, isLate } = runTraced({
      command: [process.execPath, ...this.#command(this.#case.args(this.#files))],
      env: this.#environment(),
      stdin: input?.path ?? "/dev/null",
      stdout,
      stderr,
      patienceMs,
      onReady: () => input?.close(),
      onCall: (call) => {
        const mutation = mutationOf(call, [...roots, stdout]);
        if (mutation === undefined) return undefined;
        this.mutations.push(mutation);
        const fault = plan && faultFor(plan, mutation, this.mutations.length);
        if (fault !== undefined) hit ??= mutation;
        return fault;
      },
    });
    const [out, err] = [stdout, stderr].map((path) => fs.readFileSync(path, "utf8"));
    return { exitCode, isLate, hit, stdout: out ?? "", stderr: err ?? "" };
  }

  /** What the last disturbed run changed, in its order. */
  readonly mutations: Mutation[] = [];

  /** A pipe that has the whole archive in it, so that nobody needs to write to it meanwhile. */
  #openInput(): { readonly path: string; close(): void } | undefined {
    const source = this.#case.stdin?.(this.#files);
    if (source === undefined) return undefined;
    const fd = fs.openSync(this.#fifo, fs.constants.O_RDWR + fs.constants.O_NONBLOCK);
    const bytes = fs.readFileSync(source);
    if (fs.writeSync(fd, bytes) !== bytes.length) throw new Error("the pipe is too small");
    return { path: this.#fifo, close: () => fs.closeSync(fd) };
  }

  /**
   * Looks at a copy: looking tidies up, and it is the program under test that has to do that in the
   * store itself.
   */
  async inspect(
    wanted: readonly StoreState[],
  ): Promise<{ readonly problems: readonly string[]; readonly state: StoreState }> {
    if (!fs.existsSync(this.places.root)) return { problems: [], state: emptyState };
    const [root, runRoot] = ["look/store", "look/run"].map((name) => join(this.#folder, name));
    if (root === undefined || runRoot === undefined) throw new Error("two names give two paths");
    copyFolder(this.places.root, root);
    try {
      return await inspectStore({ root, runRoot }, wanted);
    } finally {
      fs.rmSync(join(this.#folder, "look"), { recursive: true, force: true });
    }
  }

  /** A call's name and place, without what differs between runs. */
  describe({ name, path }: Mutation): string {
    return `${name} ${normal(path.replace(`${this.#folder}/`, ""))}`;
  }

  /** Everything in the store, the run root and beside them, by names that are alike in each run. */
  fingerprint(): string[] {
    const { root, runRoot } = this.places;
    const files = [root, runRoot, this.#files.out].flatMap((path) => listTree(path));
    const left = files.map((path) => normal(path.replace(`${this.#folder}/`, "")));
    return [...left.filter((path) => !passing.test(path)), ...this.#rows()].sort();
  }

  #rows(): string[] {
    const path = join(this.places.root, "lade.db");
    if (!fs.existsSync(path)) return [];
    const database = new DatabaseSync(path);
    try {
      const hasTables = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'tag'").get();
      if (hasTables === undefined) return [];
      return tableQueries.flatMap((sql) =>
        database
          .prepare(sql)
          .all()
          .map((row) => normal(Object.values(row).join(" "))),
      );
    } finally {
      database.close();
    }
  }

  /** Mounts and processes that are there once all that ends by itself has. */
  async remains(): Promise<string[]> {
    const end = performance.now() + 10_000;
    while (processesWith(this.#folder).length > 0 && performance.now() < end) await delay(20);
    const processes = processesWith(this.#folder).map(({ command }) => `process ${command}`);
    const mounts = mountsBelow(fs.readFileSync("/proc/self/mountinfo", "utf8"), this.#folder);
    return [...processes, ...mounts.map((path) => `mount ${path}`)].map(normal);
  }
}

const makesName = /^(?:mkdir|mkdirat|open|openat)$/;

function faultFor(plan: Disturbance, mutation: Mutation, index: number): CallFault | undefined {
  const isThere = index === plan.index;
  if (plan.kind === "kill") return isThere ? { kind: "kill" } : undefined;
  if (plan.kind === "short") {
    const size = Math.floor(mutation.size / 2);
    return isThere && size > 0 ? { kind: "short", size: BigInt(size) } : undefined;
  }
  const isMeant = isThere || (plan.isLasting && index > plan.index);
  if (!isMeant || !errorsOf(mutation).includes(plan.error)) return undefined;
  // A full disk has room for what is there.
  if (plan.error === "ENOSPC" && makesName.test(mutation.name) && fs.existsSync(mutation.path)) {
    return undefined;
  }
  return { kind: "error", errno: errorNumbers[plan.error] };
}

/** What every command may leave, and the next one takes over; folders with nothing in them. */
const passing = new RegExp(
  [
    "^store/(?:lade\\.db-(?:wal|shm)|containers|volumes|unpacked)$",
    "^store/containers/HEX/(?:hostname|hosts|resolv\\.conf)$",
    "^run/(?:locks|sound)",
    "^run/(?:boot|driver\\.json|containers|exits|layers|layer-users|netns|containers/HEX(?:/rootfs)?)$",
  ].join("|"),
);

const tableQueries = [
  "SELECT 'tag ' || repository, tag FROM tag",
  "SELECT 'container ' || name, state ->> 'status' FROM container",
  "SELECT 'volume ' || name FROM volume",
  "SELECT 'network ' || name FROM network WHERE name NOT IN ('bridge', 'host', 'none')",
  ...["image", "blob", "layer", "manifest", "container_volume", "endpoint", "exec"].map(
    (table) => `SELECT '${table} rows', COUNT(*) FROM ${table}`,
  ),
];

/** The same text for names that chance made. */
function normal(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UUID")
    .replace(/[0-9a-f]{32,64}/g, "HEX");
}

function copyFolder(from: string, to: string): void {
  fs.cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}

function listTree(folder: string): string[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name));
}
