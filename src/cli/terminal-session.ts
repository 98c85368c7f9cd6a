// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import type { Attachment, AttachStreams } from "../engine/container-types.ts";
import { parseDetachKeys } from "../runtime/detach-keys.ts";
import type { Context } from "./context.ts";
import { bareErrorText } from "./error-text.ts";
import { ExitStatus } from "./exit-status.ts";

export interface SessionOptions {
  readonly hasTerminal: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** This process's streams in the hands of a container; disposing of it takes them back. */
export interface TerminalSession extends Disposable {
  readonly streams: AttachStreams;
  /** Has the container's terminal follow the size of this one. */
  followSize(attachment: Pick<Attachment, "resize">): void;
}

/**
 * Hands input and output to a container. A terminal becomes raw where the container has one of its
 * own, which then does what terminals do with keys.
 */
export function openSession(context: Context, options: SessionOptions): TerminalSession {
  const { stdin, stdout, stderr } = context;
  using stack = new DisposableStack();
  const input = options.stdin ? stack.use(stdin.open()) : undefined;
  if (options.hasTerminal && options.stdin && stdin.isTerminal) stack.defer(stdin.makeRaw());
  const own = stack.move();
  return {
    streams: {
      stdin: input,
      stdout: options.stdout ? (chunk) => stdout.writeBytes(chunk) : undefined,
      stderr: options.stderr
        ? (chunk) => (options.hasTerminal ? stdout : stderr).writeBytes(chunk)
        : undefined,
    },
    followSize(attachment) {
      if (!options.hasTerminal || stdout.size === undefined) return;
      const resize = () => {
        if (stdout.size !== undefined) attachment.resize(stdout.size);
      };
      resize();
      own.use(context.onResize(resize));
    },
    [Symbol.dispose]() {
      own.dispose();
    },
  };
}

/**
 * Checks the keys to leave with before anything is made or started.
 *
 * @throws ExitStatus
 */
export function checkDetachKeys(keys: string): void {
  try {
    parseDetachKeys(keys);
  } catch (error) {
    if (!isLadeError(error)) throw error;
    throw new ExitStatus(bareErrorText(error), undefined, error);
  }
}

/** @throws ExitStatus where keys are to come from what is no terminal */
export function checkTerminal(
  { stdin }: Context,
  { hasTerminal, stdin: isAttached }: Pick<SessionOptions, "hasTerminal" | "stdin">,
): void {
  if (!hasTerminal || !isAttached || stdin.isTerminal) return;
  throw new ExitStatus("the input device is not a TTY");
}
