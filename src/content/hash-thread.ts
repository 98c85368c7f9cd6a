// SPDX-License-Identifier: Apache-2.0

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Digest } from "../spec/digest.ts";
import type { Hasher } from "./hasher.ts";

/** A part of shared memory to hash, or the wish to begin anew or to have the digest. */
export type HashRequest =
  | "begin"
  | "digest"
  | { readonly memory: SharedArrayBuffer; readonly offset: number; readonly size: number };

/** The digest, or that a part was hashed. */
export type HashAnswer = string | undefined;

/** Below this a thread's start (15 ms) costs more than it saves. */
const threadThreshold = 16 * 1024 * 1024;

/**
 * A thread that hashes while this one reads, indexes and writes: of a stream there is only one layer
 * at a time, and hashing is half of the work.
 */
export interface HashThread extends AsyncDisposable {
  /**
   * Begins a hash; one at a time.
   *
   * @param size bytes that will come, where known
   * @returns undefined where hashing in this thread is quicker
   */
  begin(size: number | undefined): Hasher | undefined;
}

/** The thread starts with the first hash that is worth it. */
export function openHashThread(): HashThread {
  let channel: HashChannel | undefined;
  const isIdleCore = availableParallelism() > 1;
  return {
    begin(size) {
      if (!isIdleCore || (size !== undefined && size < threadThreshold)) return undefined;
      channel ??= openChannel();
      return beginHash(channel);
    },
    async [Symbol.asyncDispose]() {
      await channel?.close();
    },
  };
}

function beginHash(channel: HashChannel): Hasher {
  channel.send("begin");
  return {
    async update(chunk) {
      const memory = chunk.buffer as ArrayBufferLike;
      if (!(memory instanceof SharedArrayBuffer)) throw new Error("a chunk outside shared memory");
      await channel.ask({ memory, offset: chunk.byteOffset, size: chunk.length });
    },
    digest: async (): Promise<Digest> => `sha256:${await channel.ask("digest")}`,
  };
}

interface HashChannel {
  send(request: HashRequest): void;
  /** Answers come in the order of the questions. */
  ask(request: HashRequest): Promise<HashAnswer>;
  close(): Promise<unknown>;
}

/** Compiled code lies beside the bundle's chunks, sources beside this file. */
const workerUrl = new URL(
  import.meta.url.endsWith(".ts") ? "./hash-worker.ts" : "./hash-worker.js",
  import.meta.url,
);

function openChannel(): HashChannel {
  const worker = new Worker(workerUrl);
  const waiting: PromiseWithResolvers<HashAnswer>[] = [];
  let failure: Error | undefined;
  const fail = (error: Error) => {
    failure ??= error;
    for (const one of waiting.splice(0)) one.reject(failure);
  };
  worker.on("message", (answer: HashAnswer) => waiting.shift()?.resolve(answer));
  worker.on("error", fail);
  worker.on("exit", () => fail(new Error("a worker thread ended by itself")));
  return {
    send: (request) => worker.postMessage(request),
    ask(request) {
      if (failure !== undefined) return Promise.reject(failure);
      const asked = Promise.withResolvers<HashAnswer>();
      waiting.push(asked);
      worker.postMessage(request);
      return asked.promise;
    },
    close: () => worker.terminate(),
  };
}
