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
  const { containerId, detachKeys, hasTerminal } = options;
  using signals = options.proxiesSignals
    ? proxySignals(context, engine, { containerId, hasTerminal })
    : undefined;
  using session = openSession(context, options);
  await using attachment = await connect({ ...session.streams, detachKeys });
  session.followSize(attachment);
  using exit = new Exit(context, engine, options);
  const follow = async (): Promise<Outcome> => {
    const how = await end(attachment, exit, options);
    if (how === "detached") return { type: "detached" };
    // What is still to be said is said on a terminal that is itself again.
    session[Symbol.dispose]();
    return await exit.outcome();
  };
  return await (signals === undefined ? follow() : Promise.race([follow(), signals.forced]));
}

/** Waits for the end of the output; without output for the container's end alone. */
async function end(
  attachment: Attachment,
  exit: Exit,
  { stdout, stderr }: SessionOptions,
): Promise<"closed" | "detached"> {
  if (stdout || stderr) return await attachment.ended;
  const exited = exit.outcome().then(() => "closed" as const);
  return await Promise.race([attachment.ended, exited]);
}

/** The end of a container, asked for once. */
class Exit implements Disposable {
  readonly #controller = new AbortController();
  readonly #wait: () => Promise<Outcome>;
  #outcome: Promise<Outcome> | undefined;

  constructor(context: Context, engine: Engine, { containerId, condition }: FollowOptions) {
    const { signal } = this.#controller;
    this.#wait = async () => {
      const result = await context.useCases.waitContainer(engine, containerId, condition, {
        signal,
      });
      if (result.error === undefined) return { type: "exited", exitCode: result.exitCode };
      context.stderr.write(`Error waiting for container: ${printable(result.error)}\n`);
      return { type: "exited", exitCode: exitCodes.usage };
    };
  }

  outcome(): Promise<Outcome> {
    this.#outcome ??= this.#wait();
    // Whoever leaves before the end does not hear of it.
    this.#outcome.catch(() => {});
    return this.#outcome;
  }

  [Symbol.dispose](): void {
    this.#controller.abort();
  }
}
