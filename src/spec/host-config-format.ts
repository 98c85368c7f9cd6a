// SPDX-License-Identifier: Apache-2.0

import type { HostConfig } from "./container.ts";

type Members = Record<string, unknown>;

/** Undefined for what Go leaves out where it is empty. */
function unlessEmpty<T extends object>(value: T | undefined): T | undefined {
  return value === undefined || Object.keys(value).length === 0 ? undefined : value;
}

/**
 * A host config as Docker's `container.HostConfig` becomes JSON: every member in the struct's order,
 * with Go's zero values for what is missing. `docker inspect` shows the same; members that newer
 * versions left out stay, for scripts of older ones.
 */
export function hostConfigDocument(host: HostConfig): Members {
  return {
    Binds: host.Binds ?? null,
    ContainerIDFile: host.ContainerIDFile ?? "",
    LogConfig: { Type: host.LogConfig?.Type ?? "", Config: host.LogConfig?.Config ?? {} },
    NetworkMode: host.NetworkMode ?? "",
    PortBindings: host.PortBindings ?? {},
    RestartPolicy: {
      Name: host.RestartPolicy?.Name ?? "",
      MaximumRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    AutoRemove: host.AutoRemove ?? false,
    VolumeDriver: host.VolumeDriver ?? "",
    VolumesFrom: host.VolumesFrom ?? null,
    ConsoleSize: host.ConsoleSize ?? [0, 0],
    Annotations: unlessEmpty(host.Annotations),
    CapAdd: host.CapAdd ?? null,
    CapDrop: host.CapDrop ?? null,
    CgroupnsMode: host.CgroupnsMode ?? "",
    Dns: host.Dns ?? [],
    DnsOptions: host.DnsOptions ?? [],
    DnsSearch: host.DnsSearch ?? [],
    ExtraHosts: host.ExtraHosts ?? null,
    GroupAdd: host.GroupAdd ?? null,
    IpcMode: host.IpcMode ?? "",
    Cgroup: "",
    Links: host.Links ?? null,
    OomScoreAdj: host.OomScoreAdj ?? 0,
    PidMode: host.PidMode ?? "",
    Privileged: host.Privileged ?? false,
    PublishAllPorts: host.PublishAllPorts ?? false,
    ReadonlyRootfs: host.ReadonlyRootfs ?? false,
    SecurityOpt: host.SecurityOpt ?? null,
    StorageOpt: unlessEmpty(host.StorageOpt),
    Tmpfs: unlessEmpty(host.Tmpfs),
    UTSMode: host.UTSMode ?? "",
    UsernsMode: host.UsernsMode ?? "",
    ShmSize: host.ShmSize ?? 0,
    Sysctls: unlessEmpty(host.Sysctls),
    Runtime: host.Runtime || "runc",
    Isolation: host.Isolation ?? "",
    ...resourceMembers(host),
    Mounts: unlessEmpty(host.Mounts),
    MaskedPaths: host.MaskedPaths ?? null,
    ReadonlyPaths: host.ReadonlyPaths ?? null,
    Init: host.Init ?? undefined,
  };
}

function resourceMembers(host: HostConfig): Members {
  return {
    CpuShares: host.CpuShares ?? 0,
    Memory: host.Memory ?? 0,
    NanoCpus: host.NanoCpus ?? 0,
    CgroupParent: host.CgroupParent ?? "",
    BlkioWeight: host.BlkioWeight ?? 0,
    BlkioWeightDevice: host.BlkioWeightDevice ?? [],
    BlkioDeviceReadBps: host.BlkioDeviceReadBps ?? [],
    BlkioDeviceWriteBps: host.BlkioDeviceWriteBps ?? [],
    BlkioDeviceReadIOps: host.BlkioDeviceReadIOps ?? [],
    BlkioDeviceWriteIOps: host.BlkioDeviceWriteIOps ?? [],
    CpuPeriod: host.CpuPeriod ?? 0,
    CpuQuota: host.CpuQuota ?? 0,
    CpuRealtimePeriod: host.CpuRealtimePeriod ?? 0,
    CpuRealtimeRuntime: host.CpuRealtimeRuntime ?? 0,
    CpusetCpus: host.CpusetCpus ?? "",
    CpusetMems: host.CpusetMems ?? "",
    Devices: host.Devices ?? [],
    DeviceCgroupRules: host.DeviceCgroupRules ?? null,
    DeviceRequests: null,
    KernelMemory: host.KernelMemory ?? 0,
    KernelMemoryTCP: 0,
    MemoryReservation: host.MemoryReservation ?? 0,
    MemorySwap: host.MemorySwap ?? 0,
    MemorySwappiness: host.MemorySwappiness ?? null,
    OomKillDisable: host.OomKillDisable ?? null,
    PidsLimit: host.PidsLimit ?? null,
    Ulimits: host.Ulimits ?? [],
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
  };
}
