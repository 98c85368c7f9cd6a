// SPDX-License-Identifier: Apache-2.0

import { type Shape, setType, shapedViews } from "./go-shape.ts";
import { healthcheckShape } from "./inspect-views.ts";

const texts = (goType: string, names: string) =>
  Object.fromEntries(names.split(" ").map((name) => [name, goType] as const));

const textList = "[]string";
const textMap = "map[string]string";

const healthShape: Shape = {
  goType: "*container.Health",
  fields: {
    Status: "string",
    FailingStreak: "int",
    Log: {
      goType: "[]*container.HealthcheckResult",
      elements: {
        goType: "*container.HealthcheckResult",
        fields: { Start: "string", End: "string", ExitCode: "int", Output: "string" },
      },
    },
  },
};

const stateShape: Shape = {
  goType: "*container.State",
  fields: {
    Status: "string",
    ...texts("bool", "Running Paused Restarting OOMKilled Dead"),
    Pid: "int",
    ExitCode: "int",
    ...texts("string", "Error StartedAt FinishedAt"),
    Health: healthShape,
  },
};

const portMapShape = {
  goType: "nat.PortMap",
  elements: {
    goType: "[]nat.PortBinding",
    elements: { goType: "nat.PortBinding", fields: { HostIp: "string", HostPort: "string" } },
  },
};

const deviceLists = Object.fromEntries(
  [
    ["BlkioWeightDevice", "WeightDevice", "Weight"],
    ["BlkioDeviceReadBps", "ThrottleDevice", "Rate"],
    ["BlkioDeviceWriteBps", "ThrottleDevice", "Rate"],
    ["BlkioDeviceReadIOps", "ThrottleDevice", "Rate"],
    ["BlkioDeviceWriteIOps", "ThrottleDevice", "Rate"],
  ].map(([name, type, field = ""]) => [
    name,
    {
      goType: `[]*blkiodev.${type}`,
      elements: { goType: `*blkiodev.${type}`, fields: { Path: "string", [field]: "uint64" } },
    },
  ]),
);

const hostConfigShape: Shape = {
  goType: "*container.HostConfig",
  fields: {
    Binds: textList,
    ContainerIDFile: "string",
    LogConfig: { goType: "container.LogConfig", fields: { Type: "string", Config: textMap } },
    NetworkMode: "string",
    PortBindings: portMapShape,
    RestartPolicy: {
      goType: "container.RestartPolicy",
      fields: { Name: "string", MaximumRetryCount: "int" },
    },
    AutoRemove: "bool",
    VolumeDriver: "string",
    VolumesFrom: textList,
    ConsoleSize: "[2]uint",
    Annotations: textMap,
    ...texts(textList, "CapAdd CapDrop"),
    CgroupnsMode: "string",
    ...texts(textList, "Dns DnsOptions DnsSearch ExtraHosts GroupAdd"),
    IpcMode: "string",
    Cgroup: "string",
    Links: textList,
    OomScoreAdj: "int",
    PidMode: "string",
    ...texts("bool", "Privileged PublishAllPorts ReadonlyRootfs"),
    SecurityOpt: textList,
    ...texts(textMap, "StorageOpt Tmpfs"),
    ...texts("string", "UTSMode UsernsMode"),
    ShmSize: "int64",
    Sysctls: textMap,
    ...texts("string", "Runtime Isolation"),
    ...texts("int64", "CpuShares Memory NanoCpus"),
    CgroupParent: "string",
    BlkioWeight: "uint16",
    ...deviceLists,
    ...texts("int64", "CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime"),
    ...texts("string", "CpusetCpus CpusetMems"),
    Devices: {
      goType: "[]container.DeviceMapping",
      elements: {
        goType: "container.DeviceMapping",
        fields: texts("string", "PathOnHost PathInContainer CgroupPermissions"),
      },
    },
    DeviceCgroupRules: textList,
    DeviceRequests: "[]container.DeviceRequest",
    ...texts("int64", "KernelMemory MemoryReservation MemorySwap"),
    ...texts("*int64", "MemorySwappiness PidsLimit"),
    OomKillDisable: "*bool",
    Ulimits: {
      goType: "[]*units.Ulimit",
      elements: {
        goType: "*units.Ulimit",
        fields: { Name: "string", Hard: "int64", Soft: "int64" },
      },
    },
    ...texts("int64", "CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth"),
    Mounts: "[]mount.Mount",
    ...texts(textList, "MaskedPaths ReadonlyPaths"),
    Init: "*bool",
  },
};

const configShape: Shape = {
  goType: "*container.Config",
  fields: {
    ...texts("string", "Hostname Domainname User"),
    ...texts("bool", "AttachStdin AttachStdout AttachStderr"),
    ExposedPorts: setType,
    ...texts("bool", "Tty OpenStdin StdinOnce"),
    ...texts(textList, "Env Cmd"),
    Healthcheck: healthcheckShape,
    ArgsEscaped: "bool",
    Image: "string",
    Volumes: setType,
    WorkingDir: "string",
    Entrypoint: textList,
    NetworkDisabled: "bool",
    MacAddress: "string",
    OnBuild: textList,
    Labels: textMap,
    StopSignal: "string",
    StopTimeout: "*int",
    Shell: textList,
  },
};

const endpointShape: Shape = {
  goType: "*network.EndpointSettings",
  fields: {
    IPAMConfig: {
      goType: "*network.EndpointIPAMConfig",
      fields: { IPv4Address: "string", IPv6Address: "string", LinkLocalIPs: textList },
    },
    ...texts(textList, "Links Aliases"),
    MacAddress: "string",
    DriverOpts: textMap,
    GwPriority: "int",
    ...texts("string", "NetworkID EndpointID Gateway IPAddress"),
    IPPrefixLen: "int",
    ...texts("string", "IPv6Gateway GlobalIPv6Address"),
    GlobalIPv6PrefixLen: "int",
    DNSNames: textList,
  },
};

const networkSettingsShape: Shape = {
  goType: "*container.NetworkSettings",
  fields: {
    ...texts("string", "Bridge SandboxID SandboxKey"),
    Ports: portMapShape,
    HairpinMode: "bool",
    LinkLocalIPv6Address: "string",
    LinkLocalIPv6PrefixLen: "int",
    ...texts("[]network.Address", "SecondaryIPAddresses SecondaryIPv6Addresses"),
    ...texts("string", "EndpointID Gateway GlobalIPv6Address"),
    GlobalIPv6PrefixLen: "int",
    IPAddress: "string",
    IPPrefixLen: "int",
    ...texts("string", "IPv6Gateway MacAddress"),
    Networks: { goType: "map[string]*network.EndpointSettings", elements: endpointShape },
  },
};

const containerShape: Shape = {
  goType: "container.InspectResponse",
  fields: {
    ...texts("string", "Id Created Path"),
    Args: textList,
    State: stateShape,
    ...texts("string", "Image ResolvConfPath HostnamePath HostsPath LogPath Name"),
    RestartCount: "int",
    ...texts("string", "Driver Platform MountLabel ProcessLabel AppArmorProfile"),
    ExecIDs: textList,
    HostConfig: hostConfigShape,
    GraphDriver: { goType: "storage.DriverData", fields: { Data: textMap, Name: "string" } },
    ...texts("*int64", "SizeRw SizeRootFs"),
    Mounts: {
      goType: "[]container.MountPoint",
      elements: {
        goType: "container.MountPoint",
        fields: {
          ...texts("string", "Type Name Source Destination Driver Mode"),
          RW: "bool",
          Propagation: "string",
        },
      },
    },
    Config: configShape,
    NetworkSettings: networkSettingsShape,
  },
};

/** What a template sees of a container's document. */
export const containerViews = shapedViews(containerShape);

const ipamConfigs = {
  goType: "[]network.IPAMConfig",
  elements: {
    goType: "network.IPAMConfig",
    fields: { ...texts("string", "Subnet IPRange Gateway"), AuxiliaryAddresses: textMap },
  },
};

/** What a template sees of a network's document. */
export const networkViews = shapedViews({
  goType: "network.Inspect",
  fields: {
    ...texts("string", "Name Id Created Scope Driver"),
    ...texts("bool", "EnableIPv4 EnableIPv6"),
    IPAM: {
      goType: "network.IPAM",
      fields: { Driver: "string", Options: textMap, Config: ipamConfigs },
    },
    ...texts("bool", "Internal Attachable Ingress"),
    ConfigFrom: { goType: "network.ConfigReference", fields: { Network: "string" } },
    ConfigOnly: "bool",
    Containers: {
      goType: "map[string]network.EndpointResource",
      elements: {
        goType: "network.EndpointResource",
        fields: texts("string", "Name EndpointID MacAddress IPv4Address IPv6Address"),
      },
    },
    ...texts(textMap, "Options Labels"),
  },
});

/** What a template sees of a volume's document. */
export const volumeViews = shapedViews({
  goType: "volume.Volume",
  fields: {
    ...texts("string", "CreatedAt Driver"),
    Labels: textMap,
    ...texts("string", "Mountpoint Name"),
    Options: textMap,
    Scope: "string",
    Status: "map[string]interface {}",
    UsageData: {
      goType: "*volume.UsageData",
      fields: { RefCount: "int64", Size: "int64" },
    },
  },
});
