// SPDX-License-Identifier: Apache-2.0

import type { Engine } from "../engine/engine.ts";
import type { Context } from "./context.ts";
import { ExitStatus } from "./exit-status.ts";

export interface SignalProxy extends Disposable {
  /** Rejects when somebody insists on leaving. */
  readonly forced: Promise<never>;
}

const exitLimit = 3;

export interface ProxySignalsOptions {
  readonly containerId: string;
  /** Its terminal tells the container of its size by itself. */
  readonly hasTerminal: boolean;
}

/**
 * Hands signals on to the container, in their order. The third SIGINT or SIGTERM ends lade: a
 * container that takes no notice must not hold a shell.
 */
export function proxySignals(
  context: Context,
  engine: Engine,
  { containerId, hasTerminal }: ProxySignalsOptions,
): SignalProxy {
  const { promise: forced, reject } = Promise.withResolvers<never>();
  // Nobody may be waiting for it when it rejects.
  forced.catch(() => {});
  let insisted = 0;
  let sending = Promise.resolve();
  const watch = context.onSignal((name) => {
    if (name === "SIGWINCH" && hasTerminal) return;
    if (name === "SIGINT" || name === "SIGTERM") insisted++;
    if (insisted >= exitLimit) {
      const text = `\ngot ${exitLimit} SIGTERM/SIGINTs, forcefully exiting`;
      reject(new ExitStatus(text));
      return;
    }
    // A container that does not run yet, or no longer, gets no signal; that is no failure.
    sending = sending
      .then(() => context.useCases.killContainer(engine, containerId, name))
      .catch(() => {});
  });
  return {
    forced,
    [Symbol.dispose]() {
      watch[Symbol.dispose]();
    },
  };
}
