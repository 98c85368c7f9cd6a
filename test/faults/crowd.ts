// SPDX-License-Identifier: Apache-2.0

/** Many clients work on one store at once, and now and then one is killed. */

import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { unmountBelow } from "../helpers/mounts.ts";
import { endProcesses } from "../helpers/processes.ts";
import { makeCrowdArchives, makeDamagedArchive, makeManyFiles } from "./crowd-archives.ts";
import { Clients, type Outcome } from "./crowd-clients.ts";
import { leftovers } from "./crowd-end.ts";
import { anyOperation, loadArchive, type Record, readAll, type Scene } from "./crowd-operations.ts";
import { findContradiction, type NameEvent } from "./linear.ts";
import type { Random } from "./random.ts";
import type { StorePlaces } from "./store-state.ts";

export interface CrowdOptions {
  /** What Node starts as lade. */
  readonly program: string;
  readonly random: Random;
  readonly clients: number;
  readonly operations: number;
  /** Operations between two kills, on average. */
  readonly killEvery: number;
  readonly stopsEarly?: boolean;
  readonly log?: (line: string) => void;
}

export interface CrowdResult {
  readonly operations: number;
  readonly done: number;
  /** For a reason that others give. */
  readonly refused: number;
  readonly killed: number;
  /** What was seen of names and was put into an order. */
  readonly events: number;
  readonly saves: number;
  readonly failures: readonly string[];
}

/** So many load the same archive at the same moment. */
const burst = 16;

export async function runCrowd(options: CrowdOptions): Promise<CrowdResult> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "lade-crowd-")));
  const places = { root: join(folder, "store"), runRoot: join(folder, "run") };
  mkdirSync(places.runRoot);
  const clients = new Clients(options.program, places);
  const cleanUp = () => {
    clients.endAll();
    endProcesses(folder);
    unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once("exit", cleanUp);
  try {
    return await new Crowd(options, { folder, places, clients }).run();
  } finally {
    process.off("exit", cleanUp);
    cleanUp();
  }
}

class Crowd implements Record, CrowdResult {
  operations = 0;
  done = 0;
  refused = 0;
  killed = 0;
  saves = 0;
  readonly failures: string[] = [];
  readonly #options: CrowdOptions;
  readonly #scene: Scene;
  readonly #clients: Clients;
  readonly #places: StorePlaces;
  readonly #histories = new Map<string, NameEvent[]>();
  readonly #hashes = new Map<string, { readonly hash: string; readonly text: string }>();
  #numbers = 0;

  constructor(
    options: CrowdOptions,
    parts: { readonly folder: string; readonly places: StorePlaces; readonly clients: Clients },
  ) {
    this.#options = options;
    this.#clients = parts.clients;
    this.#places = parts.places;
    this.#scene = {
      clients: parts.clients,
      random: options.random,
      archives: makeCrowdArchives(parts.folder),
      damaged: makeDamagedArchive(parts.folder),
      files: makeManyFiles(parts.folder),
      record: this,
      nextNumber: () => this.#numbers++,
    };
  }

  get events(): number {
    return [...this.#histories.values()].reduce((sum, list) => sum + list.length, 0);
  }

  note(name: string, event: NameEvent): void {
    const history = this.#histories.get(name);
    if (history === undefined) this.#histories.set(name, [event]);
    else history.push(event);
  }

  saved(key: string, hash: string, text: string): void {
    this.saves++;
    const known = this.#hashes.get(key);
    if (known === undefined) this.#hashes.set(key, { hash, text });
    else if (known.hash !== hash) this.fail(`${text}: other bytes than ${known.text} gave`);
  }

  fail(text: string): void {
    this.failures.push(text);
    this.#options.log?.(text);
  }

  count(_kind: string, outcome: Outcome["is"]): void {
    this.operations++;
    this[outcome]++;
  }

  async run(): Promise<CrowdResult> {
    // Into a store that is not there yet.
    await this.#loadAtOnce();
    await Promise.all(Array.from({ length: this.#options.clients }, () => this.#work()));
    await this.#loadAtOnce();
    await this.#end();
    return this;
  }

  /** The same archive, by commands and through the server. */
  async #loadAtOnce(): Promise<void> {
    const archive = this.#scene.random.pick(this.#scene.archives);
    const turns = Array.from({ length: burst }, (_, turn) => turn % 4 === 0);
    await Promise.all(turns.map((byApi) => loadArchive(this.#scene, archive, byApi)));
  }

  async #work(): Promise<void> {
    const { random, operations, killEvery, stopsEarly } = this.#options;
    while (this.operations < operations) {
      if (stopsEarly === true && this.failures.length > 0) return;
      const isKilling = random.chance(1 / killEvery);
      const operation = anyOperation(this.#scene);
      if (isKilling) {
        await delay(random.fraction() * 300);
        await this.#clients.killOne(random);
      }
      await operation;
    }
  }

  async #end(): Promise<void> {
    await readAll(this.#scene);
    const stopped = await this.#clients.stopServer();
    if (stopped !== undefined) this.fail(stopped);
    for (const [name, history] of this.#histories) {
      const problem = findContradiction(history);
      if (problem !== undefined) this.fail(`${name}: ${problem}`);
    }
    for (const problem of await leftovers(this.#scene, this.#places)) this.fail(problem);
  }
}
