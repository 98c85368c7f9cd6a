// SPDX-License-Identifier: Apache-2.0

import { knownCapabilities } from "../../src/runtime/spec/capabilities.ts";
import type { HostDevices, Machine, SpecInput } from "../../src/runtime/spec/input.ts";
import type { ContainerConfig, HostConfig } from "../../src/spec/container.ts";

/** A machine with everything, whatever this one has. */
export const machine: Machine = {
  capabilities: knownCapabilities,
  architecture: "amd64",
  kernel: { major: 6, minor: 1 },
  isUnifiedCgroup: false,
  usesSystemd: false,
  hasSeccomp: true,
  hasApparmor: false,
  oomScore: 0,
  hasSysctl: () => true,
};

export const noDevices: HostDevices = {
  devices: [],
  rules: [],
  weights: [],
  readBps: [],
  writeBps: [],
  readIops: [],
  writeIops: [],
};

export interface Wanted extends Partial<Omit<SpecInput, "config" | "host">> {
  readonly config?: ContainerConfig;
  readonly host?: HostConfig;
}

export function specInput(wanted: Wanted = {}): SpecInput {
  return {
    id: "0123456789abcdef".repeat(4),
    rootfs: "/run/x/rootfs",
    host: {},
    hostname: "box",
    user: { uid: 0, gid: 0, additionalGids: [0] },
    mounts: [],
    files: {},
    namespaces: { network: { path: "/run/x/netns" } },
    devices: noDevices,
    machine,
    ...wanted,
    config: { Cmd: ["true"], ...wanted.config },
  };
}
