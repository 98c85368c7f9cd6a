// SPDX-License-Identifier: Apache-2.0

/** The process that has a container's health checked again and again: a shell that sleeps. */

import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import type { ContainerRow } from "../content/containers.ts";
import { containerRunFolder } from "../rootfs/run-paths.ts";
import { isAlive, processStartTicks } from "../runtime/process.ts";
import type { Healthcheck } from "../spec/image-config.ts";
import type { Engine } from "./engine.ts";
import { healthCommand } from "./self.ts";

const nsPerSecond = 1e9;

/** What is not said, in nanoseconds (daemon/health.go of moby). */
export const healthDefaults = {
  interval: 30 * nsPerSecond,
  timeout: 30 * nsPerSecond,
  startInterval: 5 * nsPerSecond,
  retries: 3,
} as const;

/** The health check of a container; undefined where it has none. */
export function healthcheckOf(row: ContainerRow): Healthcheck | undefined {
  const check = row.definition.config.Healthcheck;
  const [type] = check?.Test ?? [];
  return type === "CMD" || type === "CMD-SHELL" ? check : undefined;
}

/** How long until the next check: shorter while the container may still be starting. */
export function nextCheckSeconds(row: ContainerRow, check: Healthcheck, nowMs: number): number {
  const { interval, startInterval } = healthDefaults;
  const startPeriod = check.StartPeriod ?? 0;
  const sinceStart = (nowMs - Date.parse(row.state.startedAt)) * 1e6;
  const isStarting = sinceStart < startPeriod && row.state.health?.status === "starting";
  const ns = isStarting ? check.StartInterval || startInterval : check.Interval || interval;
  return ns / nsPerSecond;
}

/**
 * Sleeps, has lade check once, and sleeps as long as that says; it ends when the check does not
 * succeed, which is when the container has ended. A shell takes 1 MB where lade takes 45.
 */
const loopScript = 'n=$1; shift; while sleep "$n"; do n=$("$@") || exit 0; done';

/** Starts checking a container's health, where it has a check. */
export function startHealthMonitor(engine: Engine, row: ContainerRow): void {
  const check = healthcheckOf(row);
  if (check === undefined) return;
  stopHealthMonitor(engine, row.id);
  const seconds = nextCheckSeconds(row, check, Date.parse(row.state.startedAt));
  const words = ["-c", loopScript, "lade-health", String(seconds)];
  const child = spawn("/bin/sh", [...words, ...healthCommand(engine, row.id)], {
    // A group of its own, so that it goes together with what it runs.
    detached: true,
    stdio: "ignore",
    cwd: "/",
  });
  child.on("error", () => {});
  child.unref();
  const { pid } = child;
  const startTicks = pid === undefined ? undefined : processStartTicks(pid);
  if (pid === undefined || startTicks === undefined) return;
  fs.writeFileSync(monitorPath(engine, row.id), `${pid} ${startTicks}`, { mode: 0o600 });
}

/** Stops checking; nothing to stop is fine, too. */
export function stopHealthMonitor(engine: Engine, id: string): void {
  const path = monitorPath(engine, id);
  let text: string;
  try {
    text = fs.readFileSync(path, "latin1");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return;
    throw error;
  }
  const [pid = 0, startTicks = 0] = text.split(" ").map(Number);
  if (isAlive(pid, startTicks)) killGroup(pid);
  fs.rmSync(path, { force: true });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGTERM");
  } catch (error) {
    if (!isSystemError(error, "ESRCH")) throw error;
  }
}

function monitorPath(engine: Engine, id: string): string {
  return join(containerRunFolder(engine.run, id), "health");
}
