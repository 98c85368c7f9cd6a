// SPDX-License-Identifier: Apache-2.0

import type {
  ContainerDocument,
  ContainerSummary,
  EndpointDocument,
  NetworkDocument,
  VolumeDocument,
} from "../../../src/engine/container-types.ts";

/** Documents as an engine gives them; docker's client 28.2.2 shows the same ones as the tests say. */

export const containerId = `0123456789ab${"c".repeat(52)}`;
const imageId = `sha256:${"d".repeat(64)}` as const;
const time = "2026-03-01T12:00:00.123456789Z";

export const endpoint: EndpointDocument = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: "02:42",
  DriverOpts: null,
  NetworkID: "n",
  EndpointID: "e",
  Gateway: "172.17.0.1",
  IPAddress: "172.17.0.2",
  IPPrefixLen: 16,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  DNSNames: null,
};

export const summary: ContainerSummary = {
  Id: containerId,
  Names: ["/web", "/other/alias"],
  Image: "busybox:latest",
  ImageID: imageId,
  Command: "/bin/sh -c 'while true; do echo hello; sleep 1; done'",
  Created: Date.parse("2026-03-15T11:55:00Z") / 1000,
  Ports: [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { PrivatePort: 90, Type: "udp" },
    { PrivatePort: 91, Type: "udp" },
    { IP: "0.0.0.0", PrivatePort: 100, PublicPort: 100, Type: "tcp" },
    { IP: "0.0.0.0", PrivatePort: 101, PublicPort: 101, Type: "tcp" },
  ],
  Labels: { "com.example.my-key": "v", a: "b,c" },
  State: "running",
  Status: "Up 5 minutes",
  HostConfig: { NetworkMode: "default" },
  NetworkSettings: { Networks: { bridge: endpoint } },
  Mounts: [
    {
      Type: "volume",
      Name: "x".repeat(64),
      Source: "/s",
      Destination: "/d",
      Driver: "local",
      Mode: "",
      RW: true,
      Propagation: "",
    },
    {
      Type: "bind",
      Source: "/very/long/source/path",
      Destination: "/e",
      Mode: "",
      RW: true,
      Propagation: "rprivate",
    },
  ],
  SizeRw: 12345,
  SizeRootFs: 12345678,
};

export const container: ContainerDocument = {
  Id: containerId,
  Created: time,
  Path: "sh",
  Args: ["-c", "x"],
  State: {
    Status: "running",
    Running: true,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 77,
    ExitCode: 0,
    Error: "",
    StartedAt: time,
    FinishedAt: "0001-01-01T00:00:00Z",
  },
  Image: imageId,
  ResolvConfPath: "",
  HostnamePath: "",
  HostsPath: "",
  LogPath: "",
  Name: "/web",
  RestartCount: 0,
  Driver: "erofs",
  Platform: "linux",
  MountLabel: "",
  ProcessLabel: "",
  AppArmorProfile: "",
  ExecIDs: null,
  HostConfig: {
    Binds: ["/a:/b"],
    NetworkMode: "default",
    PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
    RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    PidsLimit: null,
    Memory: 5,
    Dns: [],
  },
  GraphDriver: { Data: {}, Name: "erofs" },
  Mounts: [
    {
      Type: "bind",
      Source: "/a",
      Destination: "/b",
      Mode: "",
      RW: true,
      Propagation: "rprivate",
    },
  ],
  Config: {
    Hostname: "h",
    Env: ["A=1"],
    Cmd: ["-c", "x"],
    Image: "busybox",
    Entrypoint: ["sh"],
    Labels: { a: "b" },
    Tty: false,
    OpenStdin: false,
  },
  NetworkSettings: {
    Bridge: "",
    SandboxID: "s",
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    Ports: {
      "80/tcp": [
        { HostIp: "0.0.0.0", HostPort: "8080" },
        { HostIp: "::", HostPort: "8080" },
      ],
      "81/tcp": null,
      "9/udp": [
        { HostIp: "127.0.0.1", HostPort: "10" },
        { HostIp: "127.0.0.1", HostPort: "9" },
      ],
    },
    SandboxKey: "",
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: "",
    Gateway: "",
    GlobalIPv6Address: "",
    GlobalIPv6PrefixLen: 0,
    IPAddress: "",
    IPPrefixLen: 0,
    IPv6Gateway: "",
    MacAddress: "",
    Networks: { bridge: endpoint },
  },
};

export const volumes: readonly VolumeDocument[] = [
  {
    CreatedAt: time,
    Driver: "local",
    Labels: { b: "2", a: "1" },
    Mountpoint: "/m/v10",
    Name: "v10",
    Options: null,
    Scope: "local",
  },
  {
    CreatedAt: time,
    Driver: "local",
    Labels: null,
    Mountpoint: "/m/v2",
    Name: "v2",
    Options: { type: "tmpfs" },
    Scope: "local",
  },
];

const network: Omit<NetworkDocument, "Name" | "Id" | "Created" | "Driver" | "Labels"> = {
  Scope: "local",
  EnableIPv6: false,
  IPAM: { Driver: "default", Options: null, Config: [] },
  Internal: false,
  Attachable: false,
  Ingress: false,
  ConfigFrom: { Network: "" },
  ConfigOnly: false,
  Containers: {},
  Options: {},
};

export const networks: readonly NetworkDocument[] = [
  {
    ...network,
    Name: "none",
    Id: "c".repeat(64),
    Created: time,
    Driver: "null",
    Labels: {},
  },
  {
    ...network,
    Name: "bridge",
    Id: "a".repeat(64),
    Created: "2026-03-01T12:00:00Z",
    Driver: "bridge",
    EnableIPv6: true,
    Internal: true,
    Labels: { x: "y" },
  },
];
