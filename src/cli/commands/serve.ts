// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { defineCommand } from "../command.ts";
import { openEngine } from "../open-engine.ts";

export const command = defineCommand({
  summary: "Answer Docker's Engine API on a socket",
  description:
    "Let the docker command, docker-compose and client libraries work with this store:\n" +
    "set DOCKER_HOST to the address that is shown. Containers live on when it stops.",
  usage: "[OPTIONS]",
  operands: { min: 0, max: 0 },
  options: {
    host: {
      type: "list",
      short: "H",
      summary: "Address to listen on (default lade.sock in the run folder)",
    },
  },
  async run(context, { options, globals }) {
    await using engine = await openEngine(context, globals);
    const hosts =
      options.host.length > 0 ? options.host : [`unix://${join(engine.run.root, "lade.sock")}`];
    await context.useCases.serve(engine, {
      hosts,
      onListening: (address) => context.stderr.write(`API listen on ${address}\n`),
      log: (line) => context.stderr.write(line),
      signal: context.signal,
    });
  },
});
