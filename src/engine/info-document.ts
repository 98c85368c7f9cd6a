// SPDX-License-Identifier: Apache-2.0

import type { SystemInfo } from "./types.ts";

/** What a container gets that names none: Docker's name, the file is in the monitor's own format. */
export const loggingDriver = "json-file";

/** Drivers of volumes, networks and logs that lade has. */
const plugins = {
  Volume: ["local"],
  Network: ["bridge", "host", "null"],
  Authorization: null,
  Log: ["json-file", "local", "none"],
} as const;

const noSwarm = {
  NodeID: "",
  NodeAddr: "",
  LocalNodeState: "inactive",
  ControlAvailable: false,
  Error: "",
  RemoteManagers: null,
} as const;

const noCommit = { ID: "" } as const;

/**
 * `GET /info` of the newest version of Docker's API. What lade does not have (registries, proxies,
 * swarm, goroutines) has the zero value.
 *
 * Source: `SystemInfo` of Docker's API description.
 */
export function systemInfoDocument(info: SystemInfo) {
  const { limits } = info;
  return {
    ID: info.id,
    Containers: info.containers.total,
    ContainersRunning: info.containers.running,
    ContainersPaused: info.containers.paused,
    ContainersStopped: info.containers.stopped,
    Images: info.images,
    Driver: info.driver,
    DriverStatus: [["Reason", info.driverReason]],
    Plugins: plugins,
    MemoryLimit: limits.memory,
    SwapLimit: limits.swap,
    CpuCfsPeriod: limits.cfsPeriod,
    CpuCfsQuota: limits.cfsQuota,
    CPUShares: limits.cpuShares,
    CPUSet: limits.cpuSet,
    PidsLimit: limits.pids,
    IPv4Forwarding: info.forwardsIpv4,
    Debug: false,
    OomKillDisable: limits.oomKillDisable,
    NGoroutines: 0,
    SystemTime: new Date().toISOString(),
    LoggingDriver: loggingDriver,
    CgroupDriver: info.cgroupDriver,
    CgroupVersion: info.cgroupVersion,
    KernelVersion: info.kernelVersion,
    OperatingSystem: info.operatingSystem,
    OSVersion: info.osVersion,
    OSType: info.osType,
    Architecture: info.architecture,
    IndexServerAddress: "",
    RegistryConfig: { InsecureRegistryCIDRs: [], IndexConfigs: {}, Mirrors: [] },
    NCPU: info.cpus,
    MemTotal: info.memory,
    GenericResources: null,
    DockerRootDir: info.root,
    HttpProxy: "",
    HttpsProxy: "",
    NoProxy: "",
    Name: info.name,
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: info.serverVersion,
    Runtimes: Object.fromEntries(
      Object.entries(info.runtimes).map(([name, path]) => [name, { path }]),
    ),
    DefaultRuntime: info.defaultRuntime,
    Swarm: noSwarm,
    // Containers live on without the server.
    LiveRestoreEnabled: true,
    Isolation: "",
    InitBinary: info.init,
    ContainerdCommit: noCommit,
    RuncCommit: { ID: info.runtimeVersion },
    InitCommit: noCommit,
    SecurityOptions: info.securityOptions,
    CDISpecDirs: [],
    Warnings: info.warnings.map((warning) => `WARNING: ${warning}`),
  };
}

export type SystemInfoDocument = ReturnType<typeof systemInfoDocument>;
