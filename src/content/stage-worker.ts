// SPDX-License-Identifier: Apache-2.0

/** A thread that stages layers, one after the other. */

import { parentPort } from "node:worker_threads";
import { isLadeError, messageOf } from "../base/errors.ts";
import { rangeSource } from "./sources.ts";
import { stageLayer } from "./stage.ts";
import type { StageAnswer, StageRequest } from "./stage-pool.ts";

const progressStep = 8 * 1024 * 1024;

async function handle(request: StageRequest): Promise<void> {
  let told = 0;
  try {
    const staged = await stageLayer(rangeSource(request.fd, request), {
      ...request,
      onProgress: (size) => {
        if (size - told < progressStep) return;
        told = size;
        answer({ type: "progress", size });
      },
    });
    const { problem, ...rest } = staged;
    answer({ type: "done", staged: { ...rest, problem: problem && flatten(problem) } });
  } catch (error) {
    answer({ type: "failed", error: flatten(error) });
  }
}

/** Errors lose their class and fields on the way between threads. */
function flatten(error: unknown): { code?: string; message: string; hint?: string } {
  if (!isLadeError(error))
    return {
      message: error instanceof Error ? (error.stack ?? messageOf(error)) : messageOf(error),
    };
  const { code, message, hint } = error;
  return hint === undefined ? { code, message } : { code, message, hint };
}

function answer(message: StageAnswer): void {
  parentPort?.postMessage(message);
}

parentPort?.on("message", (request: StageRequest) => void handle(request));
