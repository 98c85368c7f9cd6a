// SPDX-License-Identifier: Apache-2.0

import type { Attachment, WaitCondition } from "../engine/container-types.ts";
import type { Engine } from "../engine/engine.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit-status.ts";
import { printable } from "./format/printable.ts";
import { proxySignals } from "./proxy-signals.ts";
import { openSession, type SessionOptions } from "./terminal-session.ts";

export interface FollowOptions extends SessionOptions {
  readonly containerId: string;
  readonly detachKeys: string;
  readonly proxiesSignals: boolean;
  readonly condition: WaitCondition;
}

/** What became of a container that was followed. */
export type Outcome =
  | { readonly type: "detached" }
  | { readonly type: "exited"; readonly exitCode: number };

/** Attaches to the container, as the caller knows to. */
export type Connect = (
  options: Parameters<Context["useCases"]["attachContainer"]>[2],
) => Promise<Attachment>;

/**
 * Runs a container in the foreground until it ends or the user leaves it.
 *
 * @param connect starts the container, or joins it
 */
export async function followContainer(
  context: Context,
  engine: Engine,
  options: FollowOptions,
  connect: Connect,
): Promise<Outcome> {
  const { containerId, detachKeys, condition, hasTerminal } = options;
  using signals = options.proxiesSignals
    ? proxySignals(context, engine, { containerId, hasTerminal })
    : undefined;
  using session = openSession(context, options);
  using waiting = new Waiting(context, engine, { containerId, condition });
  await using attachment = await connect({ ...session.streams, detachKeys });
  session.followSize(attachment);
  const followed = follow(attachment, waiting.exit, options);
  const how = await (signals === undefined ? followed : Promise.race([followed, signals.forced]));
  if (how === "detached") return { type: "detached" };
  // What is still to be said is said on a terminal that is itself again.
  session[Symbol.dispose]();
  const exited = waiting.exit;
  return await (signals === undefined ? exited : Promise.race([exited, signals.forced]));
}

/** Waits for the end of the output; without output for the container's end alone. */
async function follow(
  attachment: Attachment,
  exit: Promise<Outcome>,
  { stdout, stderr }: SessionOptions,
): Promise<"closed" | "detached"> {
  if (stdout || stderr) return await attachment.ended;
  const exited = exit.then(() => "closed" as const);
  return await Promise.race([attachment.ended, exited]);
}

interface WaitTarget {
  readonly containerId: string;
  readonly condition: WaitCondition;
}

/** Waits for the container's end from before its start, so that it can't be missed. */
class Waiting implements Disposable {
  readonly exit: Promise<Outcome>;
  readonly #controller = new AbortController();

  constructor(context: Context, engine: Engine, { containerId, condition }: WaitTarget) {
    const { signal } = this.#controller;
    this.exit = context.useCases
      .waitContainer(engine, containerId, { condition, signal })
      .then(({ exitCode, error }) => {
        if (error === undefined) return { type: "exited", exitCode };
        context.stderr.write(`Error waiting for container: ${printable(error)}\n`);
        return { type: "exited", exitCode: exitCodes.usage };
      });
    // It is asked for later, or not at all.
    this.exit.catch(() => {});
  }

  [Symbol.dispose](): void {
    this.#controller.abort();
  }
}
