// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../../base/errors.ts";
import type { Engine } from "../../engine/engine.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { errorText } from "../error-text.ts";
import { ExitStatus } from "../exit-status.ts";
import { followContainer } from "../follow-container.ts";
import { printable } from "../format/printable.ts";
import { openEngine } from "../open-engine.ts";
import { detachKeys } from "../option-specs.ts";
import { checkDetachKeys } from "../terminal-session.ts";
import { writeWarnings } from "../warnings.ts";

const checkpoints = {
  type: "refused",
  takesValue: true,
  summary: "containers are not checkpointed here",
} as const;

export const command = defineCommand({
  summary: "Start one or more stopped containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  operands: { min: 1, max: Number.POSITIVE_INFINITY, completion: "stopped" },
  options: {
    attach: { type: "bool", short: "a", summary: "Attach STDOUT/STDERR and forward signals" },
    checkpoint: checkpoints,
    "checkpoint-dir": checkpoints,
    "detach-keys": detachKeys,
    interactive: { type: "bool", short: "i", summary: "Attach container's STDIN" },
  },
  async run(context, { options, operands, globals }) {
    const isAttached = options.attach || options.interactive;
    if (isAttached && operands.length > 1) {
      throw new ExitStatus("you cannot start and attach multiple containers at once");
    }
    checkDetachKeys(options["detach-keys"]);
    await using engine = await openEngine(context, globals);
    if (!isAttached) return await startAll(context, engine, operands);
    await startAttached(context, engine, {
      name: operands[0] ?? "",
      isInteractive: options.interactive,
      detachKeys: options["detach-keys"],
    });
  },
});

async function startAll(context: Context, engine: Engine, names: readonly string[]): Promise<void> {
  const failed: string[] = [];
  for (const name of names) {
    try {
      const { warnings } = await context.useCases.startContainer(engine, name);
      writeWarnings(context.stderr, warnings);
      context.stdout.write(`${printable(name)}\n`);
    } catch (error) {
      if (!isLadeError(error)) throw error;
      context.stderr.write(`${errorText(error)}\n`);
      failed.push(printable(name));
    }
  }
  if (failed.length === 0) return;
  throw new ExitStatus(`failed to start containers: ${failed.join(", ")}`);
}

interface AttachedStart {
  readonly name: string;
  readonly isInteractive: boolean;
  readonly detachKeys: string;
}

async function startAttached(
  context: Context,
  engine: Engine,
  { name, isInteractive, detachKeys: keys }: AttachedStart,
): Promise<void> {
  const container = await context.useCases.inspectContainer(engine, name);
  const { Tty: hasTerminal = false, OpenStdin = false } = container.Config;
  const outcome = await followContainer(
    context,
    engine,
    {
      containerId: container.Id,
      detachKeys: keys,
      // The container's terminal makes signals of keys by itself.
      proxiesSignals: !hasTerminal,
      hasTerminal,
      condition: container.HostConfig.AutoRemove === true ? "removed" : "not-running",
      stdin: isInteractive && OpenStdin,
      stdout: true,
      stderr: true,
    },
    async (attach) => {
      const size = hasTerminal ? context.stdout.size : undefined;
      const started = await context.useCases.startContainer(engine, container.Id, { attach, size });
      writeWarnings(context.stderr, started.warnings);
      if (started.attachment === undefined) throw new Error("a container was started unattached");
      return started.attachment;
    },
  );
  if (outcome.type === "exited" && outcome.exitCode !== 0) {
    throw new ExitStatus("", outcome.exitCode);
  }
}
