// SPDX-License-Identifier: Apache-2.0

import { setTimeout as delay } from "node:timers/promises";
import { isSystemError, LadeError } from "../base/errors.ts";
import { type ContainerRow, isRunning } from "../content/containers.ts";
import { attachTo, resizeProcess } from "../runtime/attach.ts";
import { parseDetachKeys } from "../runtime/detach-keys.ts";
import { attachToLog } from "../runtime/log-attachment.ts";
import { readLogs } from "../runtime/logs.ts";
import { processPaths } from "../runtime/process-paths.ts";
import { containerConflict, containerInvalid, containerNotRunning } from "./container-errors.ts";
import { noteContainer, notingDetach } from "./container-events.ts";
import type { Attachment, AttachOptions, TerminalSize } from "./container-types.ts";
import { changeContainer, currentContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { logPathOf } from "./log-path.ts";
import { waitForStart } from "./start-waiters.ts";

export interface AttachContainerOptions extends AttachOptions {
  /** First what is in the container's log. */
  readonly logs?: boolean | undefined;
  /** False: only that. True unless said otherwise. */
  readonly stream?: boolean | undefined;
  /** Where the container does not run, wait for its start instead of refusing. */
  readonly waits?: boolean | undefined;
}

/** An attachment that tells which kind of output it gives. */
export interface ContainerAttachment extends Attachment {
  /** All output is the terminal's: there is no standard error. */
  readonly hasTerminal: boolean;
}

/**
 * Connects to the terminal or pipes of a running container, or of one at its start.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_NOT_RUNNING, CONTAINER_CONFLICT for one that is
 *   paused or restarting, CONTAINER_INVALID for bad detach keys, and for the log of one that keeps
 *   none
 */
export async function attachContainer(
  engine: Engine,
  nameOrId: string,
  options: AttachContainerOptions,
): Promise<ContainerAttachment> {
  parseDetachKeys(options.detachKeys);
  const row = await currentContainer(engine, nameOrId);
  checkState(row, nameOrId);
  const attachment =
    isRunning(row.state) || options.waits !== true || options.stream === false
      ? await onceLetIn(() => connect(engine, row, options))
      : await connectOrWait(engine, row, options);
  const { database } = engine.store;
  database.transaction(() => noteContainer(database, row, "attach"), { isDurable: false });
  return { ...attachment, hasTerminal: hasTerminal(row) };
}

function checkState({ state: { status } }: ContainerRow, nameOrId: string): void {
  if (status === "paused") {
    throw containerConflict(`container ${nameOrId} is paused, unpause the container before attach`);
  }
  if (status === "restarting") {
    throw containerConflict(
      `container ${nameOrId} is restarting, wait until the container is running`,
    );
  }
}

/** A start that is under way holds the lock: its process runs when this begins. */
async function connectOrWait(
  engine: Engine,
  { id }: ContainerRow,
  options: AttachContainerOptions,
): Promise<Attachment> {
  return await changeContainer(engine, id, async (row) => {
    if (isRunning(row.state)) return await onceLetIn(() => connect(engine, row, options));
    return connectAtStart(engine, row, options);
  });
}

function connect(engine: Engine, row: ContainerRow, options: AttachContainerOptions): Attachment {
  const { logs, stream = true, stdout, stderr, stdin } = options;
  const runs = isRunning(row.state);
  if (stream && !runs) throw containerNotRunning(row.id);
  if (logs !== true) return stream ? connectNow(engine, row, options) : nothingMore();
  checkHasLog(row);
  const path = logPathOf(engine, row);
  const resize = (size: TerminalSize) => resizeProcess(engine.run, row.id, size);
  if (!stream) return showLog(engine, row, options);
  const input = stdin && connectNow(engine, row, { stdin, detachKeys: options.detachKeys });
  // The log alone: it has all that comes, and where what was ends and what is begins.
  const paths = processPaths(engine.run, row.id);
  const output = { ...attachToLog(paths, path, { stdout, stderr }, "start"), resize };
  return input === undefined ? output : joined(output, input);
}

const patienceMs = 5000;
const pauseMs = 10;

/** The monitor lets in ten at once; others, who would be refused, come again. */
async function onceLetIn(work: () => Attachment): Promise<Attachment> {
  for (const end = performance.now() + patienceMs; ; await delay(pauseMs)) {
    try {
      return work();
    } catch (error) {
      if (!isSystemError(error, "EAGAIN")) throw error;
      if (performance.now() < end) continue;
      throw new LadeError("RUNTIME_FAILED", "attach: the container's monitor lets nobody in", {
        cause: error,
      });
    }
  }
}

function connectNow(engine: Engine, row: ContainerRow, options: AttachOptions): Attachment {
  const noting = notingDetach(engine.store.database, row, options);
  return attachTo(engine.run, row.id, noting, { hasTerminal: hasTerminal(row) });
}

function hasTerminal({ definition }: ContainerRow): boolean {
  return definition.config.Tty === true;
}

function checkHasLog({ definition }: ContainerRow): void {
  if (definition.hostConfig.LogConfig?.Type !== "none") return;
  throw containerInvalid("configured logging driver does not support reading");
}

/** An attachment that one who has left is not held up by. */
function attachmentOf(
  ended: Promise<"closed" | "detached">,
  how: Pick<Attachment, "resize" | "detach">,
): Attachment {
  return {
    ended,
    ...how,
    async [Symbol.asyncDispose]() {
      how.detach();
      await ended.catch(() => {});
    },
  };
}

function nothingMore(): Attachment {
  return attachmentOf(Promise.resolve("closed"), { resize: () => {}, detach: () => {} });
}

function showLog(engine: Engine, row: ContainerRow, options: AttachOptions): Attachment {
  const stop = new AbortController();
  const ended = writeLog(engine, row, { ...options, signal: stop.signal });
  return attachmentOf(ended, { resize: () => {}, detach: () => stop.abort() });
}

async function writeLog(
  engine: Engine,
  row: ContainerRow,
  { signal, ...options }: AttachOptions & { readonly signal: AbortSignal },
): Promise<"closed" | "detached"> {
  const records = readLogs(logPathOf(engine, row), { isExact: true, signal });
  for await (const { stream, bytes } of records) await options[stream]?.(bytes);
  return signal.aborted ? "detached" : "closed";
}

/** Output from one, input to the other: whichever is left ends both. */
function joined(output: Attachment, input: Attachment): Attachment {
  const detach = () => {
    output.detach();
    input.detach();
  };
  input.ended.then((how) => how === "detached" && output.detach(), detach);
  const ended = output.ended.finally(() => input.detach());
  return attachmentOf(ended, { resize: (size) => input.resize(size), detach });
}

/** By who holds the container's lock. */
function connectAtStart(
  engine: Engine,
  row: ContainerRow,
  options: AttachContainerOptions,
): Attachment {
  if (options.logs === true) checkHasLog(row);
  const ticket = waitForStart(engine, row.id);
  const stop = new AbortController();
  let attachment: Attachment | undefined;
  const follow = async (): Promise<"closed" | "detached"> => {
    try {
      const log = { ...options, signal: stop.signal };
      if (options.logs === true) await writeLog(engine, row, log);
      const called = await ticket.called;
      if (stop.signal.aborted) return "detached";
      if (called === "over") return "closed";
      attachment = connectNow(engine, row, options);
    } finally {
      ticket[Symbol.dispose]();
    }
    return await attachment.ended;
  };
  return attachmentOf(follow(), {
    resize: (size) => attachment?.resize(size),
    detach() {
      stop.abort();
      ticket[Symbol.dispose]();
      attachment?.detach();
    },
  });
}

/**
 * Tells a container's terminal its size.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_NOT_RUNNING
 */
export async function resizeContainer(
  engine: Engine,
  nameOrId: string,
  size: TerminalSize,
): Promise<void> {
  const row = await currentContainer(engine, nameOrId);
  if (!isRunning(row.state)) throw containerNotRunning(row.id);
  resizeProcess(engine.run, row.id, size);
  const { database } = engine.store;
  const attributes = { height: String(size.rows), width: String(size.columns) };
  database.transaction(() => noteContainer(database, row, "resize", attributes), {
    isDurable: false,
  });
}
