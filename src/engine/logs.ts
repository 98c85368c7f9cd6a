// SPDX-License-Identifier: Apache-2.0

import { type ContainerRow, isRunning } from "../content/containers.ts";
import { readLogs } from "../runtime/logs.ts";
import { containerInvalid } from "./container-errors.ts";
import type { LogOptions, LogRecord } from "./container-types.ts";
import { currentContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { logPathOf } from "./log-path.ts";
import { waitForEnd } from "./process-end.ts";

/**
 * What a container wrote, line by line; with `follow` also what it will write until it ends.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_INVALID for the log driver `none`
 */
export async function* containerLogs(
  engine: Engine,
  nameOrId: string,
  options: LogOptions = {},
): AsyncGenerator<LogRecord> {
  yield* (await openLogs(engine, nameOrId, options)).records;
}

export interface OpenedLogs {
  readonly hasTerminal: boolean;
  readonly records: AsyncGenerator<LogRecord>;
}

/**
 * As {@link containerLogs}, for who has to know whether there is something to read before it reads.
 *
 * @throws LadeError as {@link containerLogs}
 */
export async function openLogs(
  engine: Engine,
  nameOrId: string,
  options: LogOptions,
): Promise<OpenedLogs> {
  const row = await currentContainer(engine, nameOrId);
  if (row.definition.hostConfig.LogConfig?.Type === "none") {
    throw containerInvalid("configured logging driver does not support reading");
  }
  const hasTerminal = row.definition.config.Tty === true;
  return { hasTerminal, records: recordsOf(engine, row, options) };
}

async function* recordsOf(
  engine: Engine,
  row: ContainerRow,
  options: LogOptions,
): AsyncGenerator<LogRecord> {
  const controller = new AbortController();
  const runs = isRunning(row.state) && row.state.status !== "restarting";
  const ended =
    options.follow === true && runs
      ? waitForEnd(engine, row, { signal: controller.signal }).catch(() => {})
      : undefined;
  try {
    yield* readLogs(logPathOf(engine, row), { ...options, ...(ended !== undefined && { ended }) });
  } finally {
    controller.abort();
  }
}
