// SPDX-License-Identifier: Apache-2.0

import type { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { limits } from "../base/limits.ts";

/** Requests under way on all listeners. */
export interface Traffic {
  /**
   * Counts a request until its stream closes.
   *
   * @returns why it is not taken; undefined where it is
   */
  admit(stream: EventEmitter): string | undefined;
  /** Takes no more requests. */
  close(): void;
  /** Waits until none is under way. @returns false where that takes longer */
  drained(timeoutMs: number): Promise<boolean>;
}

export function countTraffic(most: number = limits.api.requests): Traffic {
  let underWay = 0;
  let isClosed = false;
  let wake = () => {};
  return {
    admit(stream) {
      if (isClosed) return "the server is stopping";
      if (underWay >= most) return `too many requests: ${most} are under way`;
      underWay++;
      stream.once("close", () => {
        underWay--;
        if (underWay === 0) wake();
      });
      return undefined;
    },
    close() {
      isClosed = true;
    },
    async drained(timeoutMs) {
      if (underWay === 0) return true;
      const over = new AbortController();
      const idle = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await Promise.race([idle, delay(timeoutMs, undefined, over).catch(() => {})]);
      over.abort();
      return underWay === 0;
    },
  };
}
