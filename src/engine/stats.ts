// SPDX-License-Identifier: Apache-2.0

import { setTimeout as delay } from "node:timers/promises";
import { isLadeError } from "../base/errors.ts";
import { isRunning } from "../content/containers.ts";
import { type CpuStats, readStats, type StatsSample } from "../runtime/stats.ts";
import { ZERO_TIME } from "../spec/go-time.ts";
import { currentContainer } from "./current.ts";
import type { Engine } from "./engine.ts";

/** One sample of what a container uses, as `GET /containers/ID/stats` sends it. */
export interface StatsDocument extends StatsSample {
  /** With the leading slash. */
  readonly name: string;
  readonly id: string;
  /** When the sample before was taken: Go's zero time where there is none. */
  readonly preread: string;
  readonly precpu_stats: CpuStats;
}

const noCpu: CpuStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  system_cpu_usage: 0,
  online_cpus: 0,
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

const nothing: StatsSample = {
  read: ZERO_TIME,
  pids_stats: {},
  blkio_stats: {
    io_service_bytes_recursive: null,
    io_serviced_recursive: null,
    io_queue_recursive: null,
    io_service_time_recursive: null,
    io_wait_time_recursive: null,
    io_merged_recursive: null,
    io_time_recursive: null,
    sectors_recursive: null,
  },
  num_procs: 0,
  storage_stats: {},
  cpu_stats: noCpu,
  memory_stats: {},
};

/**
 * What a container uses now; nothing for one that does not run. Shares of the CPU come from two
 * samples.
 *
 * @throws LadeError CONTAINER_NOT_FOUND
 */
export async function statsContainer(engine: Engine, nameOrId: string): Promise<StatsDocument> {
  const row = await currentContainer(engine, nameOrId);
  const { pid, status, network } = row.state;
  const runs = isRunning(row.state) && status !== "restarting";
  const hasOwnNetwork = network !== undefined && network.namespace !== "";
  const sample = runs ? readStats({ pid, hasOwnNetwork }) : undefined;
  return {
    name: `/${row.name}`,
    id: row.id,
    ...(sample ?? nothing),
    preread: ZERO_TIME,
    precpu_stats: noCpu,
  };
}

export interface FollowStatsOptions {
  readonly signal?: AbortSignal | undefined;
}

const sampleMs = 1000;

/**
 * Samples of what a container uses, one a second, each with the one before; until the container is
 * gone or the signal aborts. The first has none before it.
 *
 * @throws LadeError CONTAINER_NOT_FOUND where it was never there
 */
export async function* followStats(
  engine: Engine,
  nameOrId: string,
  { signal }: FollowStatsOptions = {},
): AsyncGenerator<StatsDocument> {
  let last = await statsContainer(engine, nameOrId);
  yield last;
  for (;;) {
    await delay(sampleMs, undefined, { signal }).catch(() => {});
    if (signal?.aborted) return;
    const { read: preread, cpu_stats: precpu_stats } = last;
    try {
      last = { ...(await statsContainer(engine, last.id)), preread, precpu_stats };
    } catch (error) {
      if (isLadeError(error, "CONTAINER_NOT_FOUND")) return;
      throw error;
    }
    yield last;
  }
}
