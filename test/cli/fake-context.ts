// SPDX-License-Identifier: Apache-2.0

import type { Context } from "../../src/cli/context.ts";
import { main } from "../../src/cli/main.ts";
import type { UseCases } from "../../src/cli/use-cases.ts";

export interface FakeOutput {
  isTerminal?: boolean;
  columns?: number;
  /** Thrown by each write. */
  failure?: Error;
}

export interface FakeOptions {
  readonly useCases?: Partial<Record<keyof UseCases, (...args: never[]) => unknown>>;
  readonly stdout?: FakeOutput;
  readonly stderr?: FakeOutput;
  readonly stdin?: { readonly isTerminal?: boolean; readonly lines?: string[] };
  readonly env?: Record<string, string>;
  /** RFC 3339. */
  readonly now?: string;
  readonly clock?: () => number;
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
}

/** Runs one command line on a fake engine. */
export async function run(argv: readonly string[], options: FakeOptions = {}): Promise<FakeRun> {
  const texts = { stdout: "", stderr: "" };
  const opened: unknown[] = [];
  let closed = 0;
  const output = (name: "stdout" | "stderr") => {
    const fake = options[name] ?? {};
    return {
      isTerminal: fake.isTerminal ?? false,
      columns: fake.columns,
      write(text: string) {
        if (fake.failure !== undefined) throw fake.failure;
        texts[name] += text;
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
    useCases: { openEngine, ...options.useCases } as unknown as UseCases,
    now: options.clock ?? (() => nowMs),
  };
  const code = await main(argv, context);
  return { code, ...texts, opened, closed };
}

export const idA = `sha256:5be1fe893c14${"a".repeat(52)}`;
export const idB = `sha256:a2fcd997eb47${"b".repeat(52)}`;
export const digestA = `sha256:${"d".repeat(64)}`;
