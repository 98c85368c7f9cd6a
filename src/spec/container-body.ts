// SPDX-License-Identifier: Apache-2.0

/**
 * What comes from outside to make and change containers: `container.Config`, `HostConfig` and
 * `NetworkingConfig` of Docker's API 1.51, member by member. Unknown members are dropped.
 */

import * as v from "valibot";
import { bodyStruct } from "./body-struct.ts";
import type {
  ContainerBody,
  DeviceMapping,
  EndpointSettings,
  HostConfig,
  Mount,
  Resources,
  RestartPolicy,
  ThrottleDevice,
  Ulimit,
  WeightDevice,
} from "./container.ts";
import { type ImageConfigSection, sectionEntries } from "./image-config.ts";
import { goMap, integer, type Schema, size, textItem, textList, textMap } from "./schema.ts";

/** A struct in a list: null is one with zero values. */
function item<T>(schema: Schema<Partial<T>>, zero: T): Schema<T> {
  return v.pipe(
    v.nullish(schema, {}),
    v.transform((value): T => ({ ...zero, ...value })),
  );
}

const weightDevice: Schema<WeightDevice> = item(bodyStruct({ Path: v.string(), Weight: size }), {
  Path: "",
  Weight: 0,
});

const throttleDevice: Schema<ThrottleDevice> = item(bodyStruct({ Path: v.string(), Rate: size }), {
  Path: "",
  Rate: 0,
});

const device: Schema<DeviceMapping> = item(
  bodyStruct({
    PathOnHost: v.string(),
    PathInContainer: v.string(),
    CgroupPermissions: v.string(),
  }),
  { PathOnHost: "", PathInContainer: "", CgroupPermissions: "" },
);

const ulimit: Schema<Ulimit> = item(
  bodyStruct({ Name: v.string(), Soft: integer, Hard: integer }),
  { Name: "", Soft: 0, Hard: 0 },
);

const deviceRequest = bodyStruct({
  Driver: v.string(),
  Count: integer,
  DeviceIDs: textList,
  Capabilities: v.array(v.nullish(textList, [])),
  Options: textMap,
});

const resourceEntries = {
  CpuShares: integer,
  Memory: integer,
  NanoCpus: integer,
  CgroupParent: v.string(),
  BlkioWeight: size,
  BlkioWeightDevice: v.array(weightDevice),
  BlkioDeviceReadBps: v.array(throttleDevice),
  BlkioDeviceWriteBps: v.array(throttleDevice),
  BlkioDeviceReadIOps: v.array(throttleDevice),
  BlkioDeviceWriteIOps: v.array(throttleDevice),
  CpuPeriod: integer,
  CpuQuota: integer,
  CpuRealtimePeriod: integer,
  CpuRealtimeRuntime: integer,
  CpusetCpus: v.string(),
  CpusetMems: v.string(),
  Devices: v.array(device),
  DeviceCgroupRules: textList,
  DeviceRequests: v.array(v.nullish(deviceRequest, {})),
  KernelMemory: integer,
  KernelMemoryTCP: integer,
  MemoryReservation: integer,
  MemorySwap: integer,
  MemorySwappiness: integer,
  OomKillDisable: v.boolean(),
  PidsLimit: integer,
  Ulimits: v.array(ulimit),
  CpuCount: integer,
  CpuPercent: integer,
  IOMaximumIOps: size,
  IOMaximumBandwidth: size,
};

const restartPolicy: Schema<RestartPolicy> = bodyStruct({
  Name: v.string(),
  MaximumRetryCount: integer,
});

/** `POST /containers/ID/update`. */
export const updateBody: Schema<Resources & { readonly RestartPolicy?: RestartPolicy }> =
  bodyStruct({ ...resourceEntries, RestartPolicy: restartPolicy });

const portBinding = bodyStruct({ HostIp: v.string(), HostPort: v.string() });

const mount = bodyStruct({
  // What the types are is for the use case to say.
  Type: v.string(),
  Source: v.string(),
  Target: v.string(),
  ReadOnly: v.boolean(),
  Consistency: v.string(),
  BindOptions: bodyStruct({
    Propagation: v.string(),
    NonRecursive: v.boolean(),
    CreateMountpoint: v.boolean(),
    ReadOnlyNonRecursive: v.boolean(),
    ReadOnlyForceRecursive: v.boolean(),
  }),
  VolumeOptions: bodyStruct({
    NoCopy: v.boolean(),
    Labels: textMap,
    Subpath: v.string(),
    DriverConfig: bodyStruct({ Name: v.string(), Options: textMap }),
  }),
  ImageOptions: bodyStruct({ Subpath: v.string() }),
  TmpfsOptions: bodyStruct({ SizeBytes: integer, Mode: size, Options: v.array(textList) }),
  ClusterOptions: bodyStruct({}),
});

const mountItem: Schema<Mount> = v.pipe(
  v.nullish(mount, {}),
  v.transform((value) => ({ Type: "", Target: "", ...value }) as Mount),
);

const hostConfig: Schema<HostConfig> = bodyStruct({
  Binds: textList,
  ContainerIDFile: v.string(),
  LogConfig: bodyStruct({ Type: v.string(), Config: textMap }),
  NetworkMode: v.string(),
  PortBindings: goMap(v.nullish(v.array(v.nullish(portBinding, {})), null)),
  RestartPolicy: restartPolicy,
  AutoRemove: v.boolean(),
  VolumeDriver: v.string(),
  VolumesFrom: textList,
  ConsoleSize: v.tuple([size, size]),
  Annotations: textMap,
  CapAdd: textList,
  CapDrop: textList,
  CgroupnsMode: v.string(),
  Dns: textList,
  DnsOptions: textList,
  DnsSearch: textList,
  ExtraHosts: textList,
  GroupAdd: textList,
  IpcMode: v.string(),
  Cgroup: v.string(),
  Links: textList,
  OomScoreAdj: integer,
  PidMode: v.string(),
  Privileged: v.boolean(),
  PublishAllPorts: v.boolean(),
  ReadonlyRootfs: v.boolean(),
  SecurityOpt: textList,
  StorageOpt: textMap,
  Tmpfs: textMap,
  UTSMode: v.string(),
  UsernsMode: v.string(),
  ShmSize: integer,
  Sysctls: textMap,
  Runtime: v.string(),
  Isolation: v.string(),
  ...resourceEntries,
  Mounts: v.array(mountItem),
  MaskedPaths: textList,
  ReadonlyPaths: textList,
  Init: v.boolean(),
});

/** How a container is to be on a network; what it got there before is taken and means nothing. */
export const endpointSettings: Schema<EndpointSettings> = bodyStruct({
  IPAMConfig: bodyStruct({
    IPv4Address: v.string(),
    IPv6Address: v.string(),
    LinkLocalIPs: textList,
  }),
  Links: textList,
  Aliases: textList,
  MacAddress: v.string(),
  DriverOpts: textMap,
  GwPriority: integer,
  NetworkID: v.string(),
  EndpointID: v.string(),
  Gateway: v.string(),
  IPAddress: v.string(),
  IPPrefixLen: integer,
  IPv6Gateway: v.string(),
  GlobalIPv6Address: v.string(),
  GlobalIPv6PrefixLen: integer,
  DNSNames: textList,
});

/** `POST /containers/create`. */
export const containerBody: Schema<ContainerBody> = bodyStruct({
  ...sectionEntries,
  Image: textItem,
  HostConfig: hostConfig,
  NetworkingConfig: bodyStruct({
    EndpointsConfig: goMap(v.nullish(endpointSettings, null)),
  }),
});

/** What `POST /commit` may say of the image's configuration, member by member. */
export const commitBody: Schema<ImageConfigSection> = bodyStruct(sectionEntries);
