// SPDX-License-Identifier: Apache-2.0

import { cgroupMode } from "../runtime/cgroup.ts";
import type { HostConfig } from "../spec/container.ts";
import { logConfig } from "./log-options.ts";

const defaultShmSize = 64 * 1024 * 1024;

/**
 * Fills in what the user left open.
 *
 * Source: `adaptContainerSettings` and `createContainerOSSpecificSettings` of moby.
 *
 * @throws LadeError CONTAINER_INVALID, UNSUPPORTED for a log driver that lade does not have
 */
export function withHostDefaults(host: HostConfig): HostConfig {
  const { Memory: memory = 0, MemorySwap: swap = 0 } = host;
  return {
    ...host,
    NetworkMode: host.NetworkMode || "default",
    RestartPolicy: {
      Name: host.RestartPolicy?.Name || "no",
      MaximumRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    LogConfig: logConfig(host),
    ...(memory > 0 && swap === 0 && { MemorySwap: memory * 2 }),
    ...(host.MemorySwappiness === -1 && { MemorySwappiness: null }),
    ShmSize: host.ShmSize || defaultShmSize,
    IpcMode: host.IpcMode || "private",
    CgroupnsMode: host.CgroupnsMode || defaultCgroupNamespace(host.Privileged === true),
    OomKillDisable: host.OomKillDisable ?? false,
  };
}

function defaultCgroupNamespace(isPrivileged: boolean): string {
  if (cgroupMode() !== "unified") return "host";
  return isPrivileged ? "host" : "private";
}
