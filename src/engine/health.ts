// SPDX-License-Identifier: Apache-2.0

/** Health checks (daemon/health.go of moby); `health-monitor.ts` has them come again and again. */

import { isLadeError, messageOf } from "../base/errors.ts";
import {
  type ContainerRow,
  containerById,
  type HealthResult,
  type HealthState,
} from "../content/containers.ts";
import type { ExecConfig } from "../spec/container.ts";
import type { Healthcheck } from "../spec/image-config.ts";
import { noteContainer } from "./container-events.ts";
import { withContainerLock } from "./container-lock.ts";
import { hasProcess } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { createExec, inspectExec, startExec } from "./exec.ts";
import { healthcheckOf, healthDefaults, nextCheckSeconds } from "./health-monitor.ts";
import { write } from "./settle.ts";

/** What is kept of a check's output, in bytes. */
const outputSize = 4096;
const keptResults = 5;
/** A check that has not answered. */
const noExitCode = -1;

/**
 * Checks a container's health once.
 *
 * @returns seconds until the next check; undefined where the container does not run any more
 */
export async function checkHealth(engine: Engine, id: string): Promise<number | undefined> {
  const row = containerById(engine.store.database, id);
  const check = row && healthcheckOf(row);
  if (row === undefined || check === undefined || !hasProcess(engine, row.state)) return undefined;
  if (row.state.status === "paused") return nextCheckSeconds(row, check, Date.now());
  const result = await probe(engine, row, check);
  return await withContainerLock(engine, id, async () => {
    const now = containerById(engine.store.database, id);
    const isSameRun = now?.state.startedAt === row.state.startedAt;
    if (now === undefined || !isSameRun || !hasProcess(engine, now.state)) return undefined;
    const { database } = engine.store;
    const health = nextHealth(now, check, result);
    const isNews = health.status !== now.state.health?.status;
    const written = write(engine, now, { ...now.state, health }, (note) => {
      if (isNews) noteContainer(database, note, `health_status: ${health.status}`);
    });
    return nextCheckSeconds(written, check, Date.now());
  });
}

/**
 * The health after one more result.
 *
 * Source: `handleProbeResult` of moby.
 */
export function nextHealth(
  { state }: Pick<ContainerRow, "state">,
  check: Healthcheck,
  result: HealthResult,
): HealthState {
  const { status = "starting", failingStreak = 0, log = [] } = state.health ?? {};
  const results = [...log, result].slice(-keptResults);
  if (result.ExitCode === 0) return { status: "healthy", failingStreak: 0, log: results };
  const sinceStart = (Date.parse(result.Start) - Date.parse(state.startedAt)) * 1e6;
  const isExcused = status === "starting" && sinceStart < (check.StartPeriod ?? 0);
  const streak = isExcused ? failingStreak : failingStreak + 1;
  const retries = (check.Retries ?? 0) > 0 ? (check.Retries ?? 0) : healthDefaults.retries;
  const isUnhealthy = !isExcused && streak >= retries;
  return { status: isUnhealthy ? "unhealthy" : status, failingStreak: streak, log: results };
}

/** Runs the check in the container. */
async function probe(engine: Engine, row: ContainerRow, check: Healthcheck): Promise<HealthResult> {
  const start = new Date().toISOString();
  const output = new LimitedOutput();
  const done = (exitCode: number, text: string) => ({
    Start: start,
    End: new Date().toISOString(),
    ExitCode: exitCode,
    Output: text,
  });
  try {
    const exitCode = await runCheck(engine, row, { check, output });
    if (exitCode !== undefined) return done(exitCode, output.text);
    const limit = `${timeoutNs(check) / 1e9}s`;
    const more = output.text === "" ? "" : `: ${output.text}`;
    return done(noExitCode, `Health check exceeded timeout (${limit})${more}`);
  } catch (error) {
    if (!isLadeError(error)) throw error;
    return done(noExitCode, messageOf(error));
  }
}

function timeoutNs(check: Healthcheck): number {
  return check.Timeout || healthDefaults.timeout;
}

/** @returns undefined where it took too long, and was killed */
async function runCheck(
  engine: Engine,
  row: ContainerRow,
  { check, output }: { readonly check: Healthcheck; readonly output: LimitedOutput },
): Promise<number | undefined> {
  const config: ExecConfig = {
    Cmd: commandOf(row, check),
    AttachStdout: true,
    AttachStderr: true,
  };
  const { id } = await createExec(engine, row.id, config);
  const take = (chunk: Uint8Array) => output.add(chunk);
  const exec = await startExec(engine, id, { attach: { stdout: take, stderr: take } });
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutNs(check) / 1e6);
  try {
    const exitCode = await Promise.race([exec.exitCode, late]);
    if (exitCode !== undefined) {
      await exec.attachment?.ended;
      return exitCode;
    }
    const { Pid: pid } = await inspectExec(engine, id);
    if (pid > 0) killIfThere(pid);
    await exec.exitCode;
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended just now.
  }
}

function commandOf(row: ContainerRow, check: Healthcheck): readonly string[] {
  const [type, ...words] = check.Test ?? [];
  if (type === "CMD") return words;
  const { Shell: shell = [] } = row.definition.config;
  return [...(shell.length > 0 ? shell : ["/bin/sh", "-c"]), ...words];
}

/** The beginning of what a check writes. */
class LimitedOutput {
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #isCut = false;

  add(chunk: Uint8Array): void {
    const kept = Buffer.from(chunk.subarray(0, outputSize - this.#size));
    this.#isCut ||= kept.length < chunk.length;
    this.#size += kept.length;
    this.#chunks.push(kept);
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString() + (this.#isCut ? "..." : "");
  }
}
