// SPDX-License-Identifier: Apache-2.0

import { setTimeout as delay } from "node:timers/promises";
import { isLadeError } from "../../base/errors.ts";
import type { Engine } from "../../engine/engine.ts";
import { defineCommand } from "../command.ts";
import type { Context, TextOutput } from "../context.ts";
import { errorText } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { checkListFormat, writeList } from "../format/list.ts";
import { type StatsDocument, type StatsRow, statsView } from "../format/stats-view.ts";
import { openEngine } from "../open-engine.ts";
import { listFormat, noTrunc } from "../option-specs.ts";

/** Between two samples: a share of the CPU is one of a length of time. */
const intervalMs = 1000;

export const command = defineCommand({
  summary: "Display a live stream of container(s) resource usage statistics",
  usage: "[OPTIONS] [CONTAINER...]",
  operands: { min: 0, max: Number.POSITIVE_INFINITY, completion: "running" },
  options: {
    all: {
      type: "bool",
      short: "a",
      summary: "Show all containers (default shows just running)",
    },
    format: listFormat,
    "no-stream": {
      type: "bool",
      summary: "Disable streaming stats and only pull the first result",
    },
    "no-trunc": noTrunc,
  },
  async run(context, { options, operands, globals }) {
    const { format } = options;
    await checkListFormat(format);
    await using engine = await openEngine(context, globals);
    const { signal, stdout } = context;
    const view = statsView(!options["no-trunc"]);
    const sampler = new Sampler(context, engine, { names: operands, all: options.all });
    await sampler.sample();
    for (;;) {
      await delay(intervalMs, undefined, { signal });
      const rows = await sampler.sample();
      if (options["no-stream"]) {
        await writeList(stdout, rows, { view, format });
        return;
      }
      const screen = new Screen(stdout);
      await writeList(screen, rows, { view, format });
      screen.draw();
    }
  },
});

interface Wanted {
  readonly names: readonly string[];
  readonly all: boolean;
}

/** Asks containers what they use, again and again. */
class Sampler {
  readonly #context: Context;
  readonly #engine: Engine;
  readonly #wanted: Wanted;
  #previous: ReadonlyMap<string, StatsDocument> = new Map();

  constructor(context: Context, engine: Engine, wanted: Wanted) {
    this.#context = context;
    this.#engine = engine;
    this.#wanted = wanted;
  }

  async sample(): Promise<StatsRow[]> {
    const names = await this.#names();
    const documents = await Promise.all(names.map((name) => this.#ask(name)));
    const rows = names.map((container, index) => ({
      container,
      document: documents[index],
      previous: this.#previous.get(container),
    }));
    this.#previous = new Map(
      rows.flatMap(({ container, document }) => (document ? [[container, document]] : [])),
    );
    return rows;
  }

  async #names(): Promise<readonly string[]> {
    const { names, all } = this.#wanted;
    if (names.length > 0) return [...new Set(names)];
    const containers = await this.#context.useCases.listContainers(this.#engine, { all });
    return containers.map(({ Id }) => Id.slice(0, 12));
  }

  /** @returns undefined for a container that has gone away meanwhile */
  async #ask(name: string): Promise<StatsDocument | undefined> {
    try {
      return await this.#context.useCases.statsContainer(this.#engine, name);
    } catch (error) {
      if (!isLadeError(error)) throw error;
      const isNew = this.#wanted.names.length > 0 && !this.#previous.has(name);
      if (isNew) throw new ExitStatus(errorText(error), undefined, error);
      return undefined;
    }
  }
}

const home = "\u001b[H";
const eraseRest = "\u001b[K";
const eraseBelow = "\u001b[J";

/** Draws over what it drew before, without wiping the screen in between. */
class Screen implements TextOutput {
  readonly isTerminal: boolean;
  readonly columns: number | undefined;
  readonly #output: TextOutput;
  #text = "";

  constructor(output: TextOutput) {
    this.#output = output;
    this.isTerminal = output.isTerminal;
    this.columns = output.columns;
  }

  write(text: string): void {
    this.#text += text;
  }

  draw(): void {
    const lines = this.#text.replaceAll("\n", `${eraseRest}\n`);
    this.#output.write(`${home}${lines}${eraseBelow}`);
  }
}
