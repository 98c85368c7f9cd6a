// SPDX-License-Identifier: Apache-2.0

/** What state a container is in: rows tell what was last known, the process table what is. */

import * as fs from "node:fs";
import { humanDuration } from "../base/human-duration.ts";
import { type ContainerRow, type ContainerState, isRunning } from "../content/containers.ts";
import { isAlive, readExit, wasOutOfMemory } from "../runtime/process.ts";
import { processPaths } from "../runtime/process-paths.ts";
import { ZERO_TIME } from "../spec/go-time.ts";
import { isContainerLocked } from "./container-lock.ts";
import type { StateDocument } from "./container-types.ts";
import type { Engine } from "./engine.ts";

/**
 * True where the row tells of a process that is gone: it ended and nobody has written that down
 * yet, or never will, since monitor and command were killed or the machine went down.
 */
export function isStale(engine: Engine, row: ContainerRow): boolean {
  const { state } = row;
  if (state.isStarting === true || state.makes !== undefined) {
    return !isContainerLocked(engine, row.id);
  }
  return isRunning(state) && !hasProcess(engine, state);
}

/** Whether the process that the state names is there: the container's own, or its restarter. */
export function hasProcess(engine: Engine, state: ContainerState): boolean {
  return state.bootId === engine.bootId && isAlive(state.pid, state.startTicks);
}

/** How a container's process ended. */
export interface ContainerEnd {
  readonly exitCode: number;
  /** RFC 3339. */
  readonly finishedAt: string;
  readonly isOomKilled: boolean;
}

/** What a process ends with that somebody killed together with its monitor: nobody knows. */
const unknownExitCode = 255;
const killedExitCode = 137;

/** How the last process of a container ended, as far as anybody wrote it down. */
export function readEnd(engine: Engine, row: ContainerRow): ContainerEnd {
  const { run } = engine;
  const known = readExit(run, row.id);
  const isOomKilled = wasOutOfMemory(run, row.id);
  const fallback = isOomKilled ? killedExitCode : unknownExitCode;
  return {
    exitCode: known ?? fallback,
    finishedAt: exitTime(engine, row.id) ?? new Date().toISOString(),
    isOomKilled,
  };
}

function exitTime(engine: Engine, id: string): string | undefined {
  const { exitFile } = processPaths(engine.run, id);
  return fs.statSync(exitFile, { throwIfNoEntry: false })?.mtime.toISOString();
}

/** The state after the end of the process. */
export function endedState(state: ContainerState, end: ContainerEnd): ContainerState {
  const { isStarting: _, network: __, ...kept } = state;
  return {
    ...kept,
    ...end,
    status: "exited",
    pid: 0,
    startTicks: 0,
    conmonPid: 0,
    conmonTicks: 0,
    // As Docker leaves it when it stops looking.
    ...(state.health !== undefined && { health: { ...state.health, status: "unhealthy" } }),
  };
}

/** The state as it was before a start that did not come to its end. */
export function unstartedState(state: ContainerState): ContainerState {
  const { isStarting: _, network: __, ...kept } = state;
  return { ...kept, pid: 0, startTicks: 0, conmonPid: 0, conmonTicks: 0 };
}

/** The state to show: that of the row, or what became of it since. */
export function observedState(engine: Engine, row: ContainerRow): ContainerState {
  const { state } = row;
  if (!isStale(engine, row)) return state.isStarting === true ? unstartedState(state) : state;
  if (state.isStarting === true) return unstartedState(state);
  if (state.makes !== undefined) return state;
  if (state.status === "restarting") return stoppedRestart(state);
  return endedState(state, readEnd(engine, row));
}

/** A container that waits for its next start, and will not get it. */
export function stoppedRestart(state: ContainerState): ContainerState {
  const { exitCode, finishedAt, isOomKilled } = state;
  return endedState(state, { exitCode, finishedAt, isOomKilled });
}

/**
 * The state in Docker's words: `Up 5 minutes (healthy)`, `Exited (0) 3 seconds ago`.
 *
 * Source: `State.String` of moby (daemon/container/state.go).
 */
export function statusText(state: ContainerState, nowMs: number): string {
  const since = (time: string) => humanDuration(nowMs - Date.parse(time));
  switch (state.status) {
    case "running":
      return `Up ${since(state.startedAt)}${healthSuffix(state)}`;
    case "paused":
      return `Up ${since(state.startedAt)} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    case "created":
      return "Created";
    case "exited":
      return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
  }
}

function healthSuffix({ health }: ContainerState): string {
  if (health === undefined) return "";
  return ` (${health.status === "starting" ? "health: starting" : health.status})`;
}

/** `State` of `inspect`. */
export function stateDocument(state: ContainerState): StateDocument {
  const { health } = state;
  return {
    Status: state.status,
    Running: isRunning(state),
    Paused: state.status === "paused",
    Restarting: state.status === "restarting",
    OOMKilled: state.isOomKilled,
    Dead: state.status === "dead",
    // The process that waits for a restart is none of the container's.
    Pid: state.status === "restarting" ? 0 : state.pid,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: state.startedAt || ZERO_TIME,
    FinishedAt: state.finishedAt || ZERO_TIME,
    ...(health !== undefined && {
      Health: {
        Status: health.status,
        FailingStreak: health.failingStreak,
        Log: health.log,
      },
    }),
  };
}
