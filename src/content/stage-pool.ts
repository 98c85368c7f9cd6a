// SPDX-License-Identifier: Apache-2.0

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type ErrorCode, errorKinds, LadeError } from "../base/errors.ts";
import { rangeSource } from "./sources.ts";
import { type StagedLayer, type StageOptions, stageLayer } from "./stage.ts";

/** A layer that lies in an open file. */
export interface StageJob extends Omit<StageOptions, "signal" | "hasher"> {
  readonly fd: number;
  readonly offset: number;
  readonly size: number;
}

/** A job as it goes to a thread. */
export type StageRequest = Omit<StageJob, "onProgress" | "onEntryPath">;

interface FlatError {
  readonly code?: string;
  readonly message: string;
  readonly hint?: string;
}

export type StageAnswer =
  | { readonly type: "progress"; readonly size: number }
  | {
      readonly type: "done";
      readonly staged: Omit<StagedLayer, "problem"> & { readonly problem: FlatError | undefined };
    }
  | { readonly type: "failed"; readonly error: FlatError };

/** Below this a thread's start (15 ms) costs more than it saves. */
const threadThreshold = 16 * 1024 * 1024;

/**
 * Stages layers of open files side by side, largest first, one for each core: this thread works too,
 * and starts on the largest layer while the others are still starting.
 *
 * @returns in the order of the jobs
 * @throws the first failure; the others are stopped
 */
export async function stageAll(
  jobs: readonly StageJob[],
  signal: AbortSignal | undefined,
): Promise<StagedLayer[]> {
  signal?.throwIfAborted();
  const results: StagedLayer[] = [];
  const queue = jobs.map((_, index) => index).sort((a, b) => sizeAt(jobs, b) - sizeAt(jobs, a));
  const large = jobs.filter((job) => job.size >= threadThreshold).length;
  const stop = new AbortController();
  const stopped = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  await using threads = startThreads(Math.min(availableParallelism(), large) - 1, stopped);
  const lanes = [
    (job: StageJob) => stageLayer(rangeSource(job.fd, job), { ...job, signal: stopped }),
    ...threads.lanes,
  ];
  const work = lanes.map(async (stage) => {
    for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
      results[index] = await stage(jobs[index] as StageJob);
    }
  });
  try {
    await Promise.all(work);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(work);
    throw error;
  }
  return results;
}

function sizeAt(jobs: readonly StageJob[], index: number): number {
  return jobs[index]?.size ?? 0;
}

type StageLane = (job: StageJob) => Promise<StagedLayer>;

interface ThreadSet extends AsyncDisposable {
  readonly lanes: readonly StageLane[];
}

/** Compiled code lies beside the bundle's chunks, sources beside this file. */
const workerUrl = new URL(
  import.meta.url.endsWith(".ts") ? "./stage-worker.ts" : "./stage-worker.js",
  import.meta.url,
);

function startThreads(count: number, signal: AbortSignal): ThreadSet {
  const workers = Array.from({ length: Math.max(0, count) }, () => new Worker(workerUrl));
  const stop = () => {
    for (const worker of workers) void worker.terminate();
  };
  signal.addEventListener("abort", stop);
  return {
    lanes: workers.map((worker) => (job) => stageIn(worker, job, signal)),
    async [Symbol.asyncDispose]() {
      signal.removeEventListener("abort", stop);
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function stageIn(worker: Worker, job: StageJob, signal: AbortSignal): Promise<StagedLayer> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      finish();
    };
    const onMessage = (answer: StageAnswer) => {
      if (answer.type === "progress") job.onProgress?.(answer.size);
      else if (answer.type === "done") settle(() => resolve(restoreStaged(answer.staged)));
      else settle(() => reject(restore(answer.error)));
    };
    const onError = (error: Error) => settle(() => reject(error));
    const onExit = () =>
      settle(() => reject(signal.reason ?? new Error("a worker thread ended by itself")));
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    const { onProgress: _, onEntryPath: __, ...request } = job;
    worker.postMessage(request satisfies StageRequest);
  });
}

function restoreStaged(staged: Extract<StageAnswer, { type: "done" }>["staged"]): StagedLayer {
  const problem = staged.problem && restore(staged.problem);
  if (problem !== undefined && !(problem instanceof LadeError)) throw problem;
  return { ...staged, problem };
}

function restore(error: FlatError): Error {
  if (error.code === undefined || !(error.code in errorKinds)) return new Error(error.message);
  return new LadeError(error.code as ErrorCode, error.message, { hint: error.hint });
}
