// SPDX-License-Identifier: Apache-2.0

import { EventEmitter } from "node:events";
import type { Context } from "../../src/cli/context.ts";
import { main } from "../../src/cli/main.ts";
import type { UseCases } from "../../src/cli/use-cases.ts";
import { utc, type Zone } from "../../src/sys/local-time.ts";

export interface FakeOutput {
  isTerminal?: boolean;
  columns?: number;
  rows?: number;
  /** Thrown by each write. */
  failure?: Error;
}

export interface FakeOptions {
  readonly useCases?: Partial<Record<keyof UseCases, (...args: never[]) => unknown>>;
  readonly stdout?: FakeOutput;
  readonly stderr?: FakeOutput;
  readonly stdin?: {
    readonly isTerminal?: boolean;
    readonly lines?: string[];
    /** What can be read; then the input ends. */
    readonly chunks?: AsyncIterable<string> | readonly string[];
  };
  /** Signals by their names, and `resize`. */
  readonly events?: EventEmitter;
  readonly env?: Record<string, string>;
  /** RFC 3339. */
  readonly now?: string;
  readonly clock?: () => number;
  /** UTC by default. */
  readonly zone?: Zone;
  readonly interrupt?: { controller: AbortController; signalNumber: number };
}

export interface FakeRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What the engine was opened with; undefined where it was not. */
  readonly opened: readonly unknown[];
  /** How often it was closed. */
  readonly closed: number;
  /** What became of the terminal: `raw`, `restored`. */
  readonly terminal: readonly string[];
}

/** Runs one command line on a fake engine. */
export async function run(argv: readonly string[], options: FakeOptions = {}): Promise<FakeRun> {
  const texts = { stdout: "", stderr: "" };
  const opened: unknown[] = [];
  const terminal: string[] = [];
  const events = options.events ?? new EventEmitter();
  let closed = 0;
  const output = (name: "stdout" | "stderr") => {
    const fake = options[name] ?? {};
    return {
      isTerminal: fake.isTerminal ?? false,
      columns: fake.columns,
      get size() {
        if (fake.isTerminal !== true) return undefined;
        return { rows: fake.rows ?? 24, columns: fake.columns ?? 80 };
      },
      write(text: string) {
        if (fake.failure !== undefined) throw fake.failure;
        texts[name] += text;
      },
      async writeBytes(bytes: Uint8Array) {
        if (fake.failure !== undefined) throw fake.failure;
        texts[name] += Buffer.from(bytes).toString();
      },
    };
  };
  const openEngine = async (engineOptions: unknown) => {
    opened.push(engineOptions);
    return {
      async [Symbol.asyncDispose]() {
        closed++;
      },
    };
  };
  const nowMs = Date.parse(options.now ?? "2026-03-15T12:00:00Z");
  const interrupt = options.interrupt;
  const context: Context = {
    stdin: {
      isTerminal: options.stdin?.isTerminal ?? false,
      readLine: () => options.stdin?.lines?.shift(),
      open: () => ({
        async *[Symbol.asyncIterator]() {
          for await (const chunk of options.stdin?.chunks ?? []) yield Buffer.from(chunk);
        },
        [Symbol.dispose]() {},
      }),
      makeRaw() {
        terminal.push("raw");
        return () => terminal.push("restored");
      },
    },
    stdout: output("stdout"),
    stderr: output("stderr"),
    env: options.env ?? {},
    get signal() {
      return interrupt?.controller.signal ?? new AbortController().signal;
    },
    get interruptedBy() {
      return interrupt?.controller.signal.aborted ? interrupt.signalNumber : undefined;
    },
    onSignal(listener) {
      const emit = events.emit.bind(events);
      events.emit = (name, ...args) => {
        if (typeof name === "string" && name.startsWith("SIG")) listener(name as NodeJS.Signals);
        return emit(name, ...args);
      };
      return {
        [Symbol.dispose]() {
          events.emit = emit;
        },
      };
    },
    onResize(listener) {
      events.on("resize", listener);
      return {
        [Symbol.dispose]() {
          events.off("resize", listener);
        },
      };
    },
    useCases: { openEngine, ...options.useCases } as unknown as UseCases,
    now: options.clock ?? (() => nowMs),
    zoneAt: () => options.zone ?? utc,
  };
  const code = await main(argv, context);
  return { code, ...texts, opened, closed, terminal };
}

export const idA = `sha256:5be1fe893c14${"a".repeat(52)}`;
export const idB = `sha256:a2fcd997eb47${"b".repeat(52)}`;
export const digestA = `sha256:${"d".repeat(64)}`;
