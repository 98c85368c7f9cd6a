// SPDX-License-Identifier: Apache-2.0

import type { StartedContainer, StartOptions } from "../../engine/container-types.ts";
import type { Engine } from "../../engine/engine.ts";
import { defineCommand } from "../command.ts";
import { creationOptions } from "../container-flags/options.ts";
import type { Context } from "../context.ts";
import {
  type Creation,
  createContainer,
  messageFor,
  readCreation,
  withHelp,
} from "../create-container.ts";
import { ExitStatus } from "../exit-status.ts";
import { followContainer } from "../follow-container.ts";
import { openEngine } from "../open-engine.ts";
import { detachKeys, sigProxy } from "../option-specs.ts";
import { startExitCode } from "../start-exit-code.ts";
import { checkDetachKeys, checkTerminal } from "../terminal-session.ts";
import { writeWarnings } from "../warnings.ts";

export const command = defineCommand({
  summary: "Create and run a new container from an image",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "image" },
  options: {
    ...creationOptions,
    detach: {
      type: "bool",
      short: "d",
      summary: "Run container in background and print container ID",
    },
    "detach-keys": detachKeys,
    "sig-proxy": sigProxy("Proxy received signals to the process"),
  },
  isInterspersed: false,
  async run(context, { options, operands, isGiven, globals }) {
    const creation = readCreation(context, { options, operands, isGiven }, "run");
    if (options.detach && options.attach.length > 0) {
      throw new ExitStatus("conflicting options: cannot specify both --attach and --detach");
    }
    checkDetachKeys(options["detach-keys"]);
    const { Tty = false, AttachStdin = false } = creation.body;
    if (!options.detach) checkTerminal(context, { hasTerminal: Tty, stdin: AttachStdin });
    await using engine = await openEngine(context, globals);
    const { body } = creation;
    const isAttached =
      !options.detach && (body.AttachStdin || body.AttachStdout || body.AttachStderr);
    if (!isAttached) return await runDetached(context, engine, creation);
    const exitCode = await runAttached(context, engine, creation, {
      detachKeys: options["detach-keys"],
      proxiesSignals: options["sig-proxy"],
    });
    if (exitCode !== 0) throw new ExitStatus("", exitCode);
  },
});

/** Errors of a container that can't be made or started end in Docker's codes for them. */
async function orFail<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const exitCode = startExitCode(error);
    if (exitCode === undefined) throw error;
    throw withHelp(messageFor(error), { commandName: "run", exitCode, cause: error });
  }
}

async function runDetached(context: Context, engine: Engine, creation: Creation): Promise<void> {
  const { body, options } = creation;
  const detached = {
    ...body,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    StdinOnce: false,
  };
  await orFail(async () => {
    const id = await createContainer(context, engine, { body: detached, options });
    context.stdout.write(`${id}\n`);
    const { warnings } = await context.useCases.startContainer(engine, id);
    writeWarnings(context.stderr, warnings);
  });
}

interface AttachedOptions {
  readonly detachKeys: string;
  readonly proxiesSignals: boolean;
}

async function runAttached(
  context: Context,
  engine: Engine,
  creation: Creation,
  { detachKeys, proxiesSignals }: AttachedOptions,
): Promise<number> {
  const { body } = creation;
  const hasTerminal = body.Tty === true;
  const containerId = await orFail(() => createContainer(context, engine, creation));
  const outcome = await followContainer(
    context,
    engine,
    {
      containerId,
      detachKeys,
      proxiesSignals,
      hasTerminal,
      condition: body.HostConfig?.AutoRemove === true ? "removed" : "not-running",
      stdin: body.AttachStdin === true,
      stdout: body.AttachStdout === true,
      stderr: body.AttachStderr === true,
    },
    (attach) =>
      orFail(async () => {
        const size = hasTerminal ? context.stdout.size : undefined;
        return await start(context, engine, { containerId, options: { attach, size } });
      }),
  );
  return outcome.type === "exited" ? outcome.exitCode : 0;
}

interface Start {
  readonly containerId: string;
  readonly options: StartOptions;
}

async function start(context: Context, engine: Engine, { containerId, options }: Start) {
  const started: StartedContainer = await context.useCases.startContainer(
    engine,
    containerId,
    options,
  );
  writeWarnings(context.stderr, started.warnings);
  if (started.attachment === undefined) throw new Error("a container was started unattached");
  return started.attachment;
}
