// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { LadeError } from "../../base/errors.ts";
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
    group: {
      type: "string",
      short: "G",
      default: "docker",
      summary: "Group for the unix socket",
    },
    host: {
      type: "list",
      short: "H",
      summary:
        "Address to listen on: unix:///PATH, fd:// or tcp://HOST:PORT (default lade.sock in the run folder)",
    },
    tlscacert: {
      type: "string",
      completion: "file",
      summary: "Trust certs signed only by this CA",
    },
    tlscert: { type: "string", completion: "file", summary: "Path to TLS certificate file" },
    tlskey: { type: "string", completion: "file", summary: "Path to TLS key file" },
    tlsverify: { type: "bool", summary: "Use TLS and verify the remote" },
  },
  async run(context, { options, globals, isGiven }) {
    const tls = tlsOf(options);
    await using engine = await openEngine(context, globals, { staysAwake: true });
    const hosts =
      options.host.length > 0 ? options.host : [`unix://${join(engine.run.root, "lade.sock")}`];
    await context.useCases.serve(engine, {
      hosts,
      group: { name: options.group, isGiven: isGiven("group") },
      tls,
      log: (line) => context.stderr.write(line),
      isDebug: globals.isDebug,
      signal: context.signal,
    });
  },
});

interface TlsFlags {
  readonly tlsverify: boolean;
  readonly tlscacert: string;
  readonly tlscert: string;
  readonly tlskey: string;
}

/** All of them or none: TLS that lets in anybody is refused rather than served. */
function tlsOf({ tlsverify, tlscacert: ca, tlscert: cert, tlskey: key }: TlsFlags) {
  const files = [ca, cert, key].filter((path) => path !== "").length;
  if (!tlsverify && files === 0) return undefined;
  if (tlsverify && files === 3) return { ca, cert, key };
  throw new LadeError("USAGE", "TLS needs all of --tlsverify, --tlscacert, --tlscert and --tlskey");
}
