// SPDX-License-Identifier: Apache-2.0

/** Further processes in a running container. */

import * as fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { isLadeError, LadeError } from "../base/errors.ts";
import { type ContainerRow, containerById, isRunning } from "../content/containers.ts";
import { rootfsPath } from "../rootfs/rootfs.ts";
import { parseDetachKeys } from "../runtime/detach-keys.ts";
import { execProcess, readExecExit, resizeExecProcess } from "../runtime/exec.ts";
import { readMachine } from "../runtime/machine.ts";
import { isAlive, processStartTicks } from "../runtime/process.ts";
import { processPaths } from "../runtime/process-paths.ts";
import { buildExecProcess } from "../runtime/spec/exec-process.ts";
import { parseOciSpec } from "../runtime/spec/oci-spec.ts";
import { resolveUser } from "../runtime/users.ts";
import type { ExecConfig } from "../spec/container.ts";
import { containerConflict, containerInvalid, containerNotRunning } from "./container-errors.ts";
import { noteContainer } from "./container-events.ts";
import type {
  ExecDocument,
  StartExecOptions,
  StartedExec,
  TerminalSize,
} from "./container-types.ts";
import { currentContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { forgetEndedExecs, noteExecEnd, unknownExitCode, writeExec } from "./exec-end.ts";
import { type ExecRow, execById, putExec } from "./exec-rows.ts";
import { linkEnvironment } from "./link-environment.ts";
import { containerIsRestarting } from "./pause.ts";
import { hostnameOf } from "./process-input.ts";
import { randomId } from "./random.ts";

/**
 * Makes ready to run a process in a container.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_NOT_RUNNING, CONTAINER_CONFLICT for a paused
 *   one, CONTAINER_INVALID for no command or a user that the container does not have
 */
export async function createExec(
  engine: Engine,
  nameOrId: string,
  config: ExecConfig,
): Promise<{ readonly id: string }> {
  if ((config.Cmd ?? []).length === 0) throw containerInvalid("No exec command specified");
  parseDetachKeys(config.DetachKeys);
  const row = await currentContainer(engine, nameOrId);
  checkActive(row, nameOrId);
  if (config.User) userOf(engine, row, config);
  forgetEndedExecs(engine, row.id);
  const id = randomId();
  const exec: ExecRow = { id, container: row.id, config };
  const { database } = engine.store;
  database.transaction(
    () => {
      putExec(database, exec);
      noteExec(engine, row, exec, "exec_create");
    },
    { isDurable: false },
  );
  return { id };
}

function checkActive(row: ContainerRow, nameOrId: string): void {
  if (!isRunning(row.state)) throw containerNotRunning(row.id);
  if (row.state.status === "paused") {
    throw containerConflict(`Container ${nameOrId} is paused, unpause the container before exec`);
  }
  if (row.state.status === "restarting") throw containerIsRestarting(row.id);
}

function userOf(engine: Engine, row: ContainerRow, exec: ExecConfig) {
  const { config, hostConfig } = row.definition;
  const user = exec.User || (config.User ?? "");
  return resolveUser(rootfsPath(engine.run, row.id), user, hostConfig.GroupAdd ?? []);
}

function noteExec(
  engine: Engine,
  row: ContainerRow,
  exec: ExecRow,
  action: "exec_create" | "exec_start",
): void {
  const command = (exec.config.Cmd ?? []).join(" ");
  noteContainer(engine.store.database, row, `${action}: ${command}`, { execID: exec.id });
}

function noteExecDetach({ store: { database } }: Engine, row: ContainerRow, { id }: ExecRow): void {
  database.transaction(() => noteContainer(database, row, "exec_detach", { execID: id }), {
    isDurable: false,
  });
}

/** @throws LadeError EXEC_NOT_FOUND */
function findExec(engine: Engine, id: string): { exec: ExecRow; row: ContainerRow } {
  const { database } = engine.store;
  const exec = execById(database, id);
  const row = exec && containerById(database, exec.container);
  if (exec !== undefined && row !== undefined) return { exec, row };
  throw new LadeError("EXEC_NOT_FOUND", `No such exec instance: ${id}`);
}

/**
 * Runs what {@link createExec} made ready.
 *
 * @throws LadeError EXEC_NOT_FOUND, COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, RUNTIME_FAILED,
 *   CONTAINER_CONFLICT where it runs or has run, CONTAINER_NOT_RUNNING
 */
export async function startExec(
  engine: Engine,
  id: string,
  options: StartExecOptions = {},
): Promise<StartedExec> {
  const row = await checkExec(engine, id);
  const exec = claim(engine, id);
  try {
    return await run(engine, { exec, row }, options);
  } catch (error) {
    const exitCode = isLadeError(error, "COMMAND_NOT_FOUND") ? 127 : 126;
    writeExec(engine, { ...exec, exitCode, endedAtMs: Date.now() });
    throw error;
  }
}

/**
 * Whether an exec can be started or spoken to: whether it is there, and its container runs.
 *
 * @returns its container
 * @throws LadeError EXEC_NOT_FOUND, CONTAINER_NOT_RUNNING, CONTAINER_CONFLICT for a paused one
 */
export async function checkExec(engine: Engine, id: string): Promise<ContainerRow> {
  const { exec } = findExec(engine, id);
  const row = await currentContainer(engine, exec.container);
  checkActive(row, row.id);
  return row;
}

/** Of several who start the same exec at once, one does. */
function claim(engine: Engine, id: string): ExecRow {
  const { database } = engine.store;
  return database.transaction(
    () => {
      const { exec } = findExec(engine, id);
      if (exec.exitCode !== undefined) {
        throw containerConflict(`exec command ${id} has already run`);
      }
      if (exec.isClaimed === true) {
        throw containerConflict(`exec command ${id} is already running`);
      }
      const claimed: ExecRow = { ...exec, isClaimed: true };
      putExec(database, claimed);
      return claimed;
    },
    { isDurable: false },
  );
}

async function run(
  engine: Engine,
  { exec, row }: { readonly exec: ExecRow; readonly row: ContainerRow },
  options: StartExecOptions,
): Promise<StartedExec> {
  const { id, config } = exec;
  const isDetached = options.detach === true;
  const started = await execProcess(engine.run, {
    containerId: row.id,
    execId: id,
    process: buildExecProcess({
      container: parseOciSpec(fs.readFileSync(processPaths(engine.run, row.id).spec, "utf8"))
        .process,
      config: row.definition.config,
      hostname: hostnameOf(engine, row),
      linked: linkEnvironment(engine.store.database, row),
      exec: config,
      user: userOf(engine, row, config),
      size: options.size ?? sizeOf(config),
      capabilities: readMachine().capabilities,
    }),
    hasStdin: config.AttachStdin === true && !isDetached,
    attach: isDetached
      ? undefined
      : { ...options.attach, onDetachKeys: () => noteExecDetach(engine, row, exec) },
  });
  const process = { pid: started.pid, startTicks: processStartTicks(started.pid) ?? 0 };
  const running: ExecRow = { ...exec, process };
  writeExec(engine, running, () => noteExec(engine, row, exec, "exec_start"));
  const exitCode = started.exitCode.then((code) => {
    noteExecEnd(engine, running, code);
    return code;
  });
  // Who only looks at the attachment, or is closing the store, is not to crash.
  exitCode.catch(() => {});
  if (isDetached) return { exitCode: Promise.resolve(0) };
  return { attachment: started.attachment, exitCode };
}

function sizeOf({ ConsoleSize }: ExecConfig): TerminalSize | undefined {
  if (ConsoleSize === undefined) return undefined;
  const [rows, columns] = ConsoleSize;
  return { rows, columns };
}

/**
 * What is known of an exec, in Docker's form.
 *
 * @throws LadeError EXEC_NOT_FOUND
 */
export async function inspectExec(engine: Engine, id: string): Promise<ExecDocument> {
  const { exec } = findExec(engine, id);
  const { config, process: started } = exec;
  const known = exec.exitCode ?? readExecExit(engine.run, exec.container, id);
  const runs =
    known === undefined && started !== undefined && isAlive(started.pid, started.startTicks);
  const [entrypoint = "", ...args] = config.Cmd ?? [];
  return {
    ID: id,
    Running: runs,
    ExitCode: known ?? (started === undefined || runs ? null : unknownExitCode),
    ProcessConfig: {
      tty: config.Tty === true,
      entrypoint,
      arguments: args,
      privileged: config.Privileged === true,
      ...(config.User && { user: config.User }),
    },
    OpenStdin: config.AttachStdin === true,
    OpenStderr: config.AttachStderr === true,
    OpenStdout: config.AttachStdout === true,
    CanRemove: false,
    ContainerID: exec.container,
    DetachKeys: config.DetachKeys ?? "",
    Pid: runs && started !== undefined ? started.pid : 0,
  };
}

const startTimeoutMs = 10_000;
const startPauseMs = 10;

/**
 * Tells an exec's terminal its size. One that is being started is waited for: clients tell the first
 * size while it is.
 *
 * @throws LadeError EXEC_NOT_FOUND, CONTAINER_NOT_RUNNING, CONTAINER_CONFLICT for a paused
 *   container, CONTAINER_INVALID where it could not be started
 */
export async function resizeExec(
  engine: Engine,
  id: string,
  size: TerminalSize,
  signal?: AbortSignal,
): Promise<void> {
  await checkExec(engine, id);
  const endMs = performance.now() + startTimeoutMs;
  for (;;) {
    const { exec } = findExec(engine, id);
    if (exec.process !== undefined) {
      resizeExecProcess(engine.run, { containerId: exec.container, execId: id }, size);
      return;
    }
    if (exec.exitCode !== undefined) throw containerInvalid("exec process is not started");
    if (performance.now() > endMs) {
      throw new LadeError("RUNTIME_FAILED", "timeout waiting for exec session ready");
    }
    await delay(startPauseMs, undefined, { signal });
  }
}
