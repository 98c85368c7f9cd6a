// SPDX-License-Identifier: Apache-2.0

import type { ContainerDocument } from "../../engine/container-types.ts";
import { defineCommand } from "../command.ts";
import { ExitStatus } from "../exit-status.ts";
import { followContainer } from "../follow-container.ts";
import { openEngine } from "../open-engine.ts";
import { detachKeys, sigProxy } from "../option-specs.ts";
import { checkDetachKeys, checkTerminal } from "../terminal-session.ts";

export const command = defineCommand({
  summary: "Attach local standard input, output, and error streams to a running container",
  usage: "[OPTIONS] CONTAINER",
  operands: { min: 1, max: 1, completion: "running" },
  options: {
    "detach-keys": detachKeys,
    "no-stdin": { type: "bool", summary: "Do not attach STDIN" },
    "sig-proxy": sigProxy("Proxy all received signals to the process"),
  },
  async run(context, { options, operands: [name = ""], globals }) {
    checkDetachKeys(options["detach-keys"]);
    await using engine = await openEngine(context, globals);
    const container = await context.useCases.inspectContainer(engine, name);
    checkState(container);
    const { Tty: hasTerminal = false, OpenStdin = false } = container.Config;
    checkTerminal(context, { hasTerminal, stdin: !options["no-stdin"] });
    const outcome = await followContainer(
      context,
      engine,
      {
        containerId: container.Id,
        detachKeys: options["detach-keys"],
        proxiesSignals: options["sig-proxy"] && !hasTerminal,
        hasTerminal,
        condition: "not-running",
        stdin: !options["no-stdin"] && OpenStdin,
        stdout: true,
        stderr: true,
      },
      async (attach) => {
        const attachment = await context.useCases.attachContainer(engine, container.Id, attach);
        // A shell draws its prompt again when the size changes, and only then.
        const { size } = context.stdout;
        if (hasTerminal && size !== undefined) {
          attachment.resize({ rows: size.rows + 1, columns: size.columns + 1 });
        }
        return attachment;
      },
    );
    if (outcome.type === "detached") throw new ExitStatus("read escape sequence");
    if (outcome.exitCode !== 0) throw new ExitStatus("", outcome.exitCode);
  },
});

function checkState({ State }: ContainerDocument): void {
  const refuse = (state: string, remedy: string) =>
    new ExitStatus(`cannot attach to a ${state} container, ${remedy}`);
  if (!State.Running) throw refuse("stopped", "start it first");
  if (State.Paused) throw refuse("paused", "unpause it first");
  if (State.Restarting) throw refuse("restarting", "wait until it is running");
}
