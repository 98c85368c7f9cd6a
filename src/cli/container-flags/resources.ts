// SPDX-License-Identifier: Apache-2.0

import type { Resources, Ulimit } from "../../spec/container.ts";
import type { OptionValues } from "../command.ts";
import type { ContainerOptionValues } from "./body.ts";
import type { resourceOptions } from "./options.ts";

/** What a container may use, with what `update` can't change. */
export function resources(options: ContainerOptionValues): Resources {
  const swappiness = options["memory-swappiness"];
  return {
    ...updatableResources(options),
    CgroupParent: options["cgroup-parent"],
    ...(swappiness === -1 ? {} : { MemorySwappiness: swappiness }),
    OomKillDisable: options["oom-kill-disable"],
    BlkioWeightDevice: options["blkio-weight-device"],
    BlkioDeviceReadBps: options["device-read-bps"],
    BlkioDeviceWriteBps: options["device-write-bps"],
    BlkioDeviceReadIOps: options["device-read-iops"],
    BlkioDeviceWriteIOps: options["device-write-iops"],
    Ulimits: lastOfEach(options.ulimit),
    DeviceCgroupRules: options["device-cgroup-rule"],
  };
}

/** What `update` can change. */
export function updatableResources(options: OptionValues<typeof resourceOptions>): Resources {
  return {
    BlkioWeight: options["blkio-weight"],
    CpuPeriod: options["cpu-period"],
    CpuQuota: options["cpu-quota"],
    CpuRealtimePeriod: options["cpu-rt-period"],
    CpuRealtimeRuntime: options["cpu-rt-runtime"],
    CpuShares: options["cpu-shares"],
    NanoCpus: options.cpus,
    CpusetCpus: options["cpuset-cpus"],
    CpusetMems: options["cpuset-mems"],
    Memory: options.memory,
    MemoryReservation: options["memory-reservation"],
    MemorySwap: options["memory-swap"],
    PidsLimit: options["pids-limit"],
  };
}

/** Sorted by name; the last limit of a name counts. */
function lastOfEach(limits: readonly Ulimit[]): Ulimit[] {
  const byName = new Map(limits.map((limit) => [limit.Name, limit]));
  return [...byName.values()].sort((left, right) => (left.Name < right.Name ? -1 : 1));
}
