// SPDX-License-Identifier: Apache-2.0

/** A thread that hashes what others put into shared memory. */

import { createHash } from "node:crypto";
import { parentPort } from "node:worker_threads";
import type { HashAnswer, HashRequest } from "./hash-thread.ts";

let hash = createHash("sha256");

function handle(request: HashRequest): void {
  if (request === "begin") {
    hash = createHash("sha256");
  } else if (request === "digest") {
    answer(hash.digest("hex"));
  } else {
    hash.update(Buffer.from(request.memory, request.offset, request.size));
    answer(undefined);
  }
}

function answer(message: HashAnswer): void {
  parentPort?.postMessage(message);
}

parentPort?.on("message", handle);
