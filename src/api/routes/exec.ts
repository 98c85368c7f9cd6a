// SPDX-License-Identifier: Apache-2.0

import { setTimeout as delay } from "node:timers/promises";
import { isLadeError, messageOf } from "../../base/errors.ts";
import type { StartedExec, TerminalSize } from "../../engine/container-types.ts";
import { checkExec, createExec, inspectExec, resizeExec, startExec } from "../../engine/exec.ts";
import { execCreateBody, execStartBody } from "../../spec/exec-body.ts";
import { type Answer, empty, json, type RawConnection } from "../answer.ts";
import { type Call, param } from "../call.ts";
import { rawType, streamType } from "../frames.ts";
import { LateConnection } from "../late-connection.ts";
import type { Route } from "../route.ts";
import { terminalSize } from "../terminal-size.ts";

/** Since when requests tell the terminal's size. */
const sizeVersion = 42;

async function create(call: Call): Promise<Answer> {
  const { ConsoleSize, ...config } = await call.json(execCreateBody);
  const { id } = await createExec(call.engine, param(call, "id"), {
    ...config,
    ...(ConsoleSize !== undefined && call.version >= sizeVersion && { ConsoleSize }),
  });
  return json({ Id: id }, 201);
}

async function start(call: Call): Promise<Answer> {
  const { engine, version } = call;
  const id = param(call, "id");
  const { Detach, Tty = false, ConsoleSize } = await call.json(execStartBody);
  await checkExec(engine, id);
  if (Detach === true) {
    await startExec(engine, id, { detach: true });
    return empty(200);
  }
  const { OpenStdin, OpenStdout, OpenStderr } = await inspectExec(engine, id);
  const late = new LateConnection({ stdin: OpenStdin, stdout: OpenStdout, stderr: OpenStderr });
  late.isFramed = !Tty;
  const [rows = 0, columns = 0] = ConsoleSize ?? [];
  const size =
    Tty && ConsoleSize !== undefined && version >= sizeVersion ? { rows, columns } : undefined;
  const isUpgrade = call.headers.upgrade !== undefined;
  return {
    type: "raw",
    contentType: isUpgrade ? streamType(version, Tty) : rawType,
    run: (connection) => runExec(call, { id, size, late, connection }),
  };
}

interface ExecRun {
  readonly id: string;
  readonly size: TerminalSize | undefined;
  readonly late: LateConnection;
  readonly connection: RawConnection;
}

async function runExec(call: Call, { id, size, late, connection }: ExecRun): Promise<void> {
  late.open(connection);
  const started = await startOrTell(call, { id, size, late });
  if (started?.attachment === undefined) return;
  await using attachment = started.attachment;
  // The process lives on without who started it, as dockerd's does.
  const gone = AbortSignal.any([connection.gone, call.signal]);
  const detach = () => attachment.detach();
  gone.addEventListener("abort", detach, { once: true });
  if (gone.aborted) detach();
  if ((await attachment.ended) === "closed") await exitNoted(started.exitCode);
}

/** A command that can't be executed is told of where its output would be, as dockerd does. */
async function startOrTell(
  call: Call,
  { id, size, late }: Omit<ExecRun, "connection">,
): Promise<StartedExec | undefined> {
  const { streams } = late;
  try {
    const { DetachKeys: detachKeys } = await inspectExec(call.engine, id);
    return await startExec(call.engine, id, { attach: { ...streams, detachKeys }, size });
  } catch (error) {
    if (!isLadeError(error)) throw error;
    await late.tell(`${messageOf(error)}\r\n`);
    return undefined;
  }
}

const exitTimeoutMs = 2000;

/**
 * Clients ask for the exit code when the connection ends. A process that closed its output and runs
 * on is not waited for.
 */
async function exitNoted(exitCode: Promise<number>): Promise<void> {
  const stop = new AbortController();
  const timeout = delay(exitTimeoutMs, undefined, { signal: stop.signal }).catch(() => {});
  await Promise.race([exitCode.catch(() => {}), timeout]);
  stop.abort();
}

async function resize(call: Call): Promise<Answer> {
  await resizeExec(call.engine, param(call, "id"), terminalSize(call.query), call.signal);
  return empty(200);
}

async function inspect(call: Call): Promise<Answer> {
  return json(await inspectExec(call.engine, param(call, "id")));
}

export const execRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/containers/{id}/exec",
    summary: "Make ready to run a command in a container",
    support: { is: "works" },
    handle: create,
  },
  {
    method: "POST",
    path: "/exec/{id}/start",
    isWatching: true,
    summary: "Run a command in a container",
    support: {
      is: "partly",
      missing: "input from clients that ask for no upgrade and send no body",
    },
    handle: start,
  },
  {
    method: "POST",
    path: "/exec/{id}/resize",
    summary: "Tell a command's terminal its size",
    support: { is: "works" },
    handle: resize,
  },
  {
    method: "GET",
    path: "/exec/{id}/json",
    summary: "Show what became of a command",
    support: { is: "works" },
    handle: inspect,
  },
];
