// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { isLadeError, messageOf } from "../base/errors.ts";
import { type ContainerRow, type ContainerState, isRunning } from "../content/containers.ts";
import { attachTo } from "../runtime/attach.ts";
import type { MonitoredProcess, StdinMode } from "../runtime/monitor.ts";
import { createProcess, processStartTicks, startProcess } from "../runtime/process.ts";
import { findTools } from "../runtime/tools.ts";
import { type Attendance, attend } from "./attend.ts";
import { containerConflict } from "./container-errors.ts";
import { notingDetach } from "./container-events.ts";
import { useRootfs } from "./container-rootfs.ts";
import { unstartedState } from "./container-state.ts";
import type {
  Attachment,
  AttachOptions,
  StartedContainer,
  StartOptions,
} from "./container-types.ts";
import { changeContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { healthcheckOf, startHealthMonitor } from "./health-monitor.ts";
import { logSizeLimit } from "./log-options.ts";
import { logPathOf } from "./log-path.ts";
import { writeNetworkFiles } from "./network-files.ts";
import {
  closePortSockets,
  type NetworkSetup,
  plugNetwork,
  reserveNetwork,
} from "./network-setup.ts";
import { makeSpec } from "./process-input.ts";
import { removeFromStore } from "./remove-files.ts";
import { checkIsRoot } from "./root.ts";
import { noteStart } from "./run-events.ts";
import { cleanupCommand } from "./self.ts";
import { write } from "./settle.ts";
import { callWaiters, dismissWaiters } from "./start-waiters.ts";
import { hasRemains, tearDown } from "./tear-down.ts";

/**
 * Starts a container; one that runs already stays as it is.
 *
 * @throws LadeError COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, RUNTIME_FAILED, RUNTIME_MISSING,
 *   ROOT_NEEDED, CONTAINER_CONFLICT for a paused one, PORT_TAKEN and what else networks and mounts
 *   throw; nothing of the start is left then
 */
export async function startContainer(
  engine: Engine,
  nameOrId: string,
  options: StartOptions = {},
): Promise<StartedContainer> {
  return await changeContainer(engine, nameOrId, async (row) => {
    const { state } = row;
    if (state.status === "paused") {
      throw containerConflict("cannot start a paused container, try unpause instead");
    }
    if (!isRunning(state)) return await startUnderLock(engine, row, options);
    if (state.status !== "running" || options.attach === undefined) {
      return { warnings: [], ranAlready: true };
    }
    const attachment = attachNoting(engine, row, options.attach);
    return { attachment, warnings: [], ranAlready: true };
  });
}

function attachNoting(engine: Engine, row: ContainerRow, options: AttachOptions): Attachment {
  const target = { hasTerminal: row.definition.config.Tty === true };
  return attachTo(engine.run, row.id, notingDetach(engine.store.database, row, options), target);
}

/** As {@link startContainer}, by who holds the lock, for a container without a process. */
export async function startUnderLock(
  engine: Engine,
  row: ContainerRow,
  options: StartOptions & { readonly isRestart?: boolean } = {},
): Promise<StartedContainer> {
  checkIsRoot("run containers");
  if (hasRemains(engine, row.id)) await tearDown(engine, row);
  let attachment: Attachment | undefined;
  try {
    // Held until the row says that the container runs: whoever reads its root meanwhile leaves it.
    using rootfs = await useRootfs(engine, row);
    const attends = options.attach !== undefined || engine.background !== undefined;
    const attendance = attends ? attend(engine, row.id) : undefined;
    try {
      const started = await make(engine, row, { ...options, rootfs: rootfs.path, attendance });
      attachment = started.attachment;
      await callWaiters(engine, row.id);
      await startProcess(engine.run, row.id);
      noteRunning(engine, started.row, options);
    } catch (error) {
      attendance?.release();
      throw error;
    }
    if (engine.background !== undefined) attendance?.finishAtEnd();
    else if (attachment !== undefined) attendance?.finishWith(attachment);
    return { attachment, warnings: [] };
  } catch (error) {
    attachment?.ended.catch(() => {});
    attachment?.detach();
    await fail(engine, row, error);
    dismissWaiters(engine, row.id);
    throw error;
  }
}

interface MakeOptions extends StartOptions {
  readonly rootfs: string;
  readonly attendance: Attendance | undefined;
}

interface Made {
  readonly row: ContainerRow;
  readonly attachment: Attachment | undefined;
}

/** Brings a container to where its command only waits to be let go. */
async function make(engine: Engine, row: ContainerRow, options: MakeOptions): Promise<Made> {
  const setup = reserveNetwork(engine, row);
  // The network becomes real while the runtime makes the container; both take their time.
  const plugged = plugNetwork(engine, row, setup);
  plugged.catch(() => {});
  let made: MonitoredProcess;
  try {
    writeNetworkFiles(engine, row, setup);
    made = await makeProcess(engine, row, { ...options, setup });
  } finally {
    await plugged.catch(() => {});
    closePortSockets(setup);
  }
  await plugged;
  const attachment = options.attach && attachNoting(engine, row, options.attach);
  if (options.size !== undefined) attachment?.resize(options.size);
  return { row: write(engine, row, startingState(engine, row, { made, setup })), attachment };
}

function startingState(
  engine: Engine,
  { state }: ContainerRow,
  { made, setup }: { readonly made: MonitoredProcess; readonly setup: NetworkSetup },
): ContainerState {
  return {
    ...unstartedState(state),
    // A restart that fails is no restart any more.
    ...(state.status === "restarting" && { status: "exited" as const }),
    isStarting: true,
    pid: made.pid,
    startTicks: processStartTicks(made.pid) ?? 0,
    conmonPid: made.monitorPid,
    conmonTicks: processStartTicks(made.monitorPid) ?? 0,
    bootId: engine.bootId,
    network: { namespace: setup.namespace, ports: setup.ports },
  };
}

async function makeProcess(
  engine: Engine,
  row: ContainerRow,
  options: MakeOptions & { readonly setup: NetworkSetup },
): Promise<MonitoredProcess> {
  const { config, hostConfig: host } = row.definition;
  const { rootfs, setup, attendance, size } = options;
  const spec = makeSpec(engine, withSize(row, size), {
    rootfs,
    networkNamespace: setup.namespace,
  });
  const log = host.LogConfig ?? {};
  return await createProcess(engine.run, {
    id: row.id,
    spec,
    tools: findTools(process.env, host.Runtime),
    stdin: stdinMode(config),
    logPath: log.Type === "none" ? undefined : logPathOf(engine, row),
    logSize: logSizeLimit(log),
    exitCommand: attendance?.exitCommand ?? cleanupCommand(engine, row.id),
    heldDescriptors: setup.portSockets,
  });
}

function stdinMode(config: ContainerRow["definition"]["config"]): StdinMode {
  if (config.OpenStdin !== true) return "none";
  return config.StdinOnce === true ? "once" : "open";
}

function withSize(row: ContainerRow, size: StartOptions["size"]): ContainerRow {
  if (size === undefined) return row;
  const hostConfig = {
    ...row.definition.hostConfig,
    ConsoleSize: [size.rows, size.columns] as const,
  };
  return { ...row, definition: { ...row.definition, hostConfig } };
}

function noteRunning(
  engine: Engine,
  row: ContainerRow,
  options: StartOptions & { readonly isRestart?: boolean },
): void {
  const { isStarting: _, isRestartedByUser: __, ...state } = row.state;
  const hasHealthcheck = healthcheckOf(row) !== undefined;
  const running: ContainerState = {
    ...state,
    status: "running",
    exitCode: 0,
    error: "",
    isOomKilled: false,
    startedAt: new Date().toISOString(),
    isManuallyStopped: false,
    ...(options.isRestart !== true && { restartCount: 0, restartDelayMs: 0 }),
    health: hasHealthcheck
      ? { status: "starting", failingStreak: 0, log: state.health?.log ?? [] }
      : undefined,
  };
  const { database } = engine.store;
  const now = write(engine, row, running, (note) =>
    noteStart(database, note, { isAttached: options.attach !== undefined }),
  );
  startHealthMonitor(engine, now);
}

/** What `ps` and scripts know of a container that could not be started, in Docker's numbers. */
function exitCodeOf(error: unknown): number {
  if (isLadeError(error, "COMMAND_NOT_FOUND")) return 127;
  if (isLadeError(error, "COMMAND_NOT_EXECUTABLE")) return 126;
  return 128;
}

async function fail(engine: Engine, row: ContainerRow, error: unknown): Promise<void> {
  await tearDown(engine, row);
  const before = row.state.status === "restarting" ? ({ status: "exited" } as const) : {};
  const state: ContainerState = {
    ...unstartedState(row.state),
    ...before,
    error: messageOf(error),
    exitCode: exitCodeOf(error),
  };
  if (row.definition.hostConfig.AutoRemove === true) {
    removeFromStore(engine, { ...row, state }, { volumes: true });
  } else {
    write(engine, row, state);
  }
  fs.rmSync(join(engine.run.exits, row.id), { force: true });
}
