// SPDX-License-Identifier: Apache-2.0

/** Records commands, and looks at states that a crash may leave of them, on all cores. */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type Recording, record, type Story } from "./crash-recording.ts";
import type { CrashAnswer, CrashJob } from "./crash-worker.ts";

export interface CrashStatesOptions {
  readonly story: Story;
  readonly states: number;
  readonly seed: number;
  /** What Node starts as lade. */
  readonly program: string;
  /** Ends at the first state that is wrong. */
  readonly stopsEarly?: boolean;
}

export interface CrashStatesResult {
  readonly commands: number;
  /** Changes of names and bytes that were recorded. */
  readonly changes: number;
  readonly states: number;
  readonly distinct: number;
  readonly failures: readonly string[];
}

export async function checkCrashStates(options: CrashStatesOptions): Promise<CrashStatesResult> {
  const recording = await record(options.program, options.story);
  const threads = Math.min(availableParallelism(), 4);
  const share = Math.ceil(options.states / threads);
  const answers = await Promise.all(
    Array.from({ length: threads }, (_, index) =>
      runThread({
        recording,
        seed: options.seed,
        from: index * share,
        to: Math.min((index + 1) * share, options.states),
        stopsEarly: options.stopsEarly === true,
      }),
    ),
  );
  return {
    commands: recording.commands.length,
    changes: recording.effects.length,
    states: answers.reduce((sum, { states }) => sum + states, 0),
    distinct: new Set(answers.flatMap(({ distinct }) => distinct)).size,
    failures: [...recording.problems, ...answers.flatMap(({ failures }) => failures)],
  };
}

function runThread(job: CrashJob): Promise<CrashAnswer> {
  const worker = new Worker(new URL("./crash-worker.ts", import.meta.url), { workerData: job });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
    worker.once("exit", () => reject(new Error("a thread ended by itself")));
  });
}

export type { Recording };
