// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { LadeError } from "../../base/errors.ts";
import { tryLock } from "../../sys/libc.ts";

/** Only one work of this process at a time asks for the lock, so that they don't wear it out. */
let last: Promise<unknown> = Promise.resolve();

const firstPauseMs = 1;
const lastPauseMs = 8;
const giveUpMs = 120_000;

/**
 * Does work while nobody else changes bridges and firewall rules of this network namespace: netavark
 * looks for a rule and then adds it, in many steps.
 *
 * The lock is on the namespace itself, so it holds between stores, too.
 *
 * @param work gets the lock's descriptor: a program that inherits it keeps the lock until it ends,
 *   even when lade is killed meanwhile
 */
export function withNetworkLock<T>(work: (lock: number) => Promise<T>): Promise<T> {
  const turn = last.then(async () => {
    const fd = fs.openSync("/proc/self/ns/net", "r");
    try {
      await waitForLock(fd);
      return await work(fd);
    } finally {
      fs.closeSync(fd);
    }
  });
  last = turn.catch(() => {});
  return turn;
}

async function waitForLock(fd: number): Promise<void> {
  const end = Date.now() + giveUpMs;
  for (let pauseMs = firstPauseMs; !tryLock(fd); pauseMs = Math.min(pauseMs * 2, lastPauseMs)) {
    if (Date.now() > end) {
      throw new LadeError("NETWORK_FAILED", "another command has been changing networks too long", {
        hint: "Look for a netavark process that hangs.",
      });
    }
    await delay(pauseMs);
  }
}
