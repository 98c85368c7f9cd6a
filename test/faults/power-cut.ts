// SPDX-License-Identifier: Apache-2.0

/** Cuts the power while lade works, and looks at what is left. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { unmountBelow } from "../helpers/mounts.ts";
import { type Archives, makeArchives } from "./archives.ts";
import { chooseOperation, type Operation, prune } from "./operations.ts";
import { type DiskKind, makePowerDisk, type PowerDisk } from "./power-disk.ts";
import type { Random } from "./random.ts";
import { emptyState, inspectStore, type StoreState } from "./store-state.ts";

export interface PowerCutOptions {
  readonly disk: DiskKind;
  readonly cuts: number;
  readonly random: Random;
  /** What Node starts as lade. */
  readonly program: string;
  /** Ends at the first cut that broke something. */
  readonly stopsEarly?: boolean;
  readonly log?: (line: string) => void;
}

export interface PowerCutResult {
  readonly cuts: number;
  /** Commands that reported success before a cut. */
  readonly acknowledged: number;
  /** Cuts in the middle of a command. */
  readonly interrupted: number;
  /** Images that were looked at after cuts, each of their blobs hashed. */
  readonly images: number;
  readonly failures: readonly string[];
}

/** Bytes of layers: in one piece, in several, and one that is written with O_DIRECT. */
const layerSizes = [40_000, 3_000, 300_000, 2_500_000, 9_000];

/** So many cuts are survived by one store before it begins anew. */
const cutsPerStore = 25;

export async function cutPower(options: PowerCutOptions): Promise<PowerCutResult> {
  const folder = mkdtempSync(join(tmpdir(), "lade-cuts-"));
  await using disk = await makePowerDisk(options.disk);
  try {
    const archives = makeArchives(folder, layerSizes);
    const session = new Session(options, { disk, folder, archives });
    for (let cut = 1; cut <= options.cuts; cut++) {
      await session.cutOnce(cut);
      if (options.stopsEarly === true && session.failures.length > 0) break;
    }
    return session;
  } finally {
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Session implements PowerCutResult {
  cuts = 0;
  acknowledged = 0;
  interrupted = 0;
  images = 0;
  readonly failures: string[] = [];
  readonly #options: PowerCutOptions;
  readonly #disk: PowerDisk;
  readonly #archives: Archives;
  readonly #root: string;
  readonly #runRoot: string;
  #state: StoreState = emptyState;
  /** How long each kind of command took the last time, for moments in the middle of it. */
  readonly #durations = new Map<string, number>();

  constructor(
    options: PowerCutOptions,
    parts: { readonly disk: PowerDisk; readonly folder: string; readonly archives: Archives },
  ) {
    this.#options = options;
    this.#disk = parts.disk;
    this.#archives = parts.archives;
    this.#root = join(parts.disk.folder, "store");
    this.#runRoot = join(parts.folder, "run");
  }

  async cutOnce(number: number): Promise<void> {
    const { random } = this.#options;
    const story: string[] = [];
    const wanted = await this.#work(story);
    // What lives no longer than the machine runs.
    unmountBelow(this.#runRoot);
    rmSync(this.#runRoot, { recursive: true, force: true });
    await this.#disk.restart();
    const places = { root: this.#root, runRoot: this.#runRoot };
    const isNext = random.chance(0.5) && existsSync(join(this.#root, "lade.db"));
    const left = isNext ? await this.#runNext() : [];
    const found = await inspectStore(places, wanted);
    const report = { ...found, problems: [...left, ...found.problems] };
    this.cuts++;
    this.images += report.images;
    this.#state = report.state;
    if (report.problems.length > 0) {
      const problems = report.problems.join("\n  ");
      const text = `${this.#options.disk.name}, cut ${number}: ${story.join(", ")}:\n  ${problems}`;
      this.failures.push(text);
      this.#options.log?.(text);
    }
    const isWornOut = report.problems.length > 0 || random.chance(1 / cutsPerStore);
    if (!isWornOut) return;
    await this.#disk.format();
    this.#state = emptyState;
  }

  /** The next command, by itself, clears away what was staged. @returns what is wrong */
  async #runNext(): Promise<string[]> {
    const { code, stderr } = await this.#start(prune()).ended;
    if (code !== 0) return [`the next command: exit ${code}: ${stderr}`];
    const left = readdirSync(join(this.#root, "ingest"));
    return left.length === 0 ? [] : [`the next command left in ingest: ${left.join(", ")}`];
  }

  /** @returns what may be there after the cut */
  async #work(story: string[]): Promise<StoreState[]> {
    const { random } = this.#options;
    mkdirSync(this.#runRoot, { recursive: true });
    const before = random.below(4);
    for (let done = 0; done < before; done++) {
      const operation = chooseOperation(random, this.#state, this.#archives);
      const started = performance.now();
      const ended = await this.#start(operation).ended;
      this.#durations.set(operation.kind, performance.now() - started);
      story.push(`${operation.args.join(" ")} (exit ${ended.code})`);
      this.#settle(operation, ended);
    }
    const isBetween = before > 0 && random.chance(0.4);
    if (isBetween) {
      this.#disk.cut();
      return [this.#state];
    }
    return await this.#cutWithin(story);
  }

  /** Cuts in the middle of a command. */
  async #cutWithin(story: string[]): Promise<StoreState[]> {
    const { random } = this.#options;
    const operation = chooseOperation(random, this.#state, this.#archives);
    const usualMs = this.#durations.get(operation.kind) ?? 150;
    const delayMs = random.fraction() * usualMs * 1.1;
    const running = this.#start(operation);
    await delay(delayMs);
    // What a command says when the power has gone nobody hears: the kernel, which goes on here, has
    // told a sync that came right then that it was done.
    const wasHeard = hasEnded(running.pid);
    this.#disk.cut();
    const ended = await running.ended;
    story.push(
      `cut ${delayMs.toFixed(0)} ms into ${operation.args.join(" ")} (exit ${ended.code})`,
    );
    this.interrupted++;
    if (ended.code !== 0 && operation.isRefused !== true) {
      return [this.#state, operation.apply(this.#state, undefined)];
    }
    const before = this.#state;
    this.#settle(operation, ended);
    return wasHeard ? [this.#state] : [before, this.#state];
  }

  #settle(operation: Operation, ended: Ended): void {
    const isRight = (ended.code === 0) !== (operation.isRefused === true);
    if (isRight) {
      this.#state = operation.apply(this.#state, ended.stdout);
      this.acknowledged++;
      return;
    }
    const text = `${operation.args.join(" ")}: exit ${ended.code}: ${ended.stderr}`;
    this.failures.push(text);
    this.#options.log?.(text);
    if (ended.code === 0) this.#state = operation.apply(this.#state, ended.stdout);
  }

  #start(operation: Operation): { readonly ended: Promise<Ended>; readonly pid: number } {
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", this.#options.program, ...operation.args],
      {
        env: { ...process.env, LADE_ROOT: this.#root, LADE_RUN_ROOT: this.#runRoot },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    return { ended: waitFor(child), pid: child.pid ?? 0 };
  }
}

/** Whether a child's process is over, be it that nobody has taken its exit code yet. */
function hasEnded(pid: number): boolean {
  try {
    const [, state] = /^\d+ \(.*\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return state === "Z" || state === "X";
  } catch {
    return true;
  }
}

const patienceMs = 30_000;

function waitFor(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (data) => {
    stdout += String(data);
  });
  child.stderr?.on("data", (data) => {
    stderr += String(data);
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 137, stdout, stderr });
    });
  });
}
