// SPDX-License-Identifier: Apache-2.0

import { once } from "node:events";
import { accessSync, constants, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { requireTool, run } from "../../helpers/tools.ts";

/** Every version of docker's client on PATH; Debian's is needed. */
export function dockerClients(): string[] {
  const first = requireTool("docker", "docker.io");
  const others = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "docker"));
  return [...new Set([first, ...others].filter(isExecutable).map((path) => realpathSync(path)))];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface ClientRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What it asked the daemon to make. */
  readonly body: Record<string, unknown> | undefined;
}

export interface FakeDaemon extends AsyncDisposable {
  /** Runs `docker ARGS` against it. */
  run(client: string, args: readonly string[], cwd: string): Promise<ClientRun>;
}

/**
 * A daemon that says yes to `docker create` and shows what it was asked for: the best judge of what
 * options mean. Runs are told apart by the name that they give the container.
 */
export async function startFakeDaemon(): Promise<FakeDaemon> {
  const folder = mkdtempSync(join(tmpdir(), "lade-fake-daemon-"));
  const socket = join(folder, "docker.sock");
  const bodies = new Map<string, Record<string, unknown>>();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://daemon");
    const body = await readText(request);
    response.setHeader("Api-Version", "1.50");
    response.setHeader("Ostype", "linux");
    response.setHeader("Content-Type", "application/json");
    if (url.pathname.endsWith("/containers/create")) {
      bodies.set(url.searchParams.get("name") ?? "", JSON.parse(body));
      response.statusCode = 201;
      response.end(JSON.stringify({ Id: "a".repeat(64), Warnings: [] }));
      return;
    }
    response.end("{}");
  });
  server.listen(socket);
  await once(server, "listening");
  let count = 0;
  return {
    async run(client, args, cwd) {
      const name = `case-${count++}`;
      const env = { DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: folder, FROM_ENV: "inherited" };
      const result = await run(client, ["create", "--name", name, ...args], { cwd, env });
      return { ...result, body: bodies.get(name) };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
