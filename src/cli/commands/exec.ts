// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import type { StartExecOptions, StartedExec } from "../../engine/container-types.ts";
import type { Engine } from "../../engine/engine.ts";
import { defineCommand } from "../command.ts";
import { environment } from "../container-flags/body.ts";
import { createFlagHost } from "../container-flags/flag-host.ts";
import { envOptions } from "../container-flags/options.ts";
import type { Context } from "../context.ts";
import { bareErrorText } from "../error-text.ts";
import { ExitStatus, exitCodes } from "../exit-status.ts";
import { InvalidValue } from "../invalid-value.ts";
import { openEngine } from "../open-engine.ts";
import { detachKeys } from "../option-specs.ts";
import { checkDetachKeys, checkTerminal, openSession } from "../terminal-session.ts";

export const command = defineCommand({
  summary: "Execute a command in a running container",
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  operands: { min: 2, max: Number.POSITIVE_INFINITY, completion: "running" },
  options: {
    ...envOptions,
    detach: {
      type: "bool",
      short: "d",
      summary: "Detached mode: run command in the background",
    },
    "detach-keys": detachKeys,
    interactive: { type: "bool", short: "i", summary: "Keep STDIN open even if not attached" },
    privileged: { type: "bool", summary: "Give extended privileges to the command" },
    tty: { type: "bool", short: "t", summary: "Allocate a pseudo-TTY" },
    user: {
      type: "string",
      short: "u",
      summary: 'Username or UID (format: "<name|uid>[:<group|gid>]")',
    },
    workdir: { type: "string", short: "w", summary: "Working directory inside the container" },
  },
  isInterspersed: false,
  async run(context, { options, operands: [name = "", ...Cmd], globals }) {
    const Env = readEnvironment(context, options);
    checkDetachKeys(options["detach-keys"]);
    const { detach, tty, interactive } = options;
    const stdin = interactive && !detach;
    await using engine = await openEngine(context, globals);
    // A container that is not there is told of before anything else.
    await context.useCases.inspectContainer(engine, name);
    if (!detach) checkTerminal(context, { hasTerminal: tty, stdin });
    const { id } = await context.useCases.createExec(engine, name, {
      AttachStdin: stdin,
      AttachStdout: !detach,
      AttachStderr: !detach,
      DetachKeys: options["detach-keys"],
      Tty: tty,
      Env,
      Cmd,
      Privileged: options.privileged,
      User: options.user,
      WorkingDir: options.workdir,
    });
    if (detach) {
      await context.useCases.startExec(engine, id, { detach });
      return;
    }
    const detachKeys = options["detach-keys"];
    const exitCode = await execAttached(context, engine, { id, tty, stdin, detachKeys });
    if (exitCode !== 0) throw new ExitStatus("", exitCode);
  },
});

function readEnvironment(
  context: Context,
  options: Parameters<typeof environment>[0],
): readonly string[] {
  try {
    return environment(options, createFlagHost(context.env));
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    throw new ExitStatus(error.message, undefined, error);
  }
}

interface AttachedExec {
  readonly id: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly detachKeys: string;
}

async function execAttached(
  context: Context,
  engine: Engine,
  { id, tty, stdin, detachKeys: keys }: AttachedExec,
): Promise<number> {
  using session = openSession(context, { hasTerminal: tty, stdin, stdout: true, stderr: true });
  const { attachment, exitCode } = await start(context, engine, id, {
    attach: { ...session.streams, detachKeys: keys },
    size: tty ? context.stdout.size : undefined,
  });
  if (attachment === undefined) return await exitCode;
  await using connection = attachment;
  session.followSize(connection);
  // It is met below, unless the user leaves.
  exitCode.catch(() => {});
  if ((await connection.ended) === "detached") throw new ExitStatus("read escape sequence");
  session[Symbol.dispose]();
  return await exitCode;
}

/** A command that can't be executed is told of where its output would be, as Docker's daemon does. */
async function start(
  { useCases, stdout }: Context,
  engine: Engine,
  id: string,
  options: StartExecOptions,
): Promise<StartedExec> {
  try {
    return await useCases.startExec(engine, id, options);
  } catch (error) {
    const isMissing = isLadeError(error, "COMMAND_NOT_FOUND");
    if (!isMissing && !isLadeError(error, "COMMAND_NOT_EXECUTABLE")) throw error;
    await stdout.writeBytes(Buffer.from(`${bareErrorText(error)}\r\n`));
    throw new ExitStatus("", isMissing ? exitCodes.notFound : exitCodes.notExecutable, error);
  }
}
