// SPDX-License-Identifier: Apache-2.0

import type { ContainerConfig, HostConfig } from "../../spec/container.ts";
import type {
  OciDevice,
  OciDeviceRule,
  OciThrottleDevice,
  OciUser,
  OciWeightDevice,
} from "./oci-spec.ts";

/** A volume, a bind or a tmpfs as it goes into a container. */
export interface SpecMount {
  readonly type: "bind" | "tmpfs";
  /** Path on the host; unused for a tmpfs. */
  readonly source: string;
  readonly destination: string;
  readonly isReadOnly?: boolean | undefined;
  /** Without what is mounted below the source. */
  readonly isNonRecursive?: boolean | undefined;
  /** Such as `rprivate`; that of the container's root where empty. */
  readonly propagation?: string | undefined;
  /** Of a tmpfs: `size=64m,exec`. */
  readonly options?: string | undefined;
}

/** Namespaces that are joined or shared; a new one where undefined. */
export interface SharedNamespaces {
  /** Path of the network namespace, or the host's. */
  readonly network: { readonly path: string } | "host" | "new";
  readonly ipc?: { readonly path: string } | "host" | undefined;
  readonly pid?: { readonly path: string } | "host" | undefined;
}

/** What the machine has that changes a container's document; `readMachine` reads it. */
export interface Machine {
  /** Names such as `CAP_CHOWN` that this process may give away. */
  readonly capabilities: readonly string[];
  /** Go's name of the architecture. */
  readonly architecture: string;
  readonly kernel: { readonly major: number; readonly minor: number };
  readonly isUnifiedCgroup: boolean;
  readonly usesSystemd: boolean;
  readonly hasSeccomp: boolean;
  readonly hasApparmor: boolean;
  /** Of this process, which a container would inherit. */
  readonly oomScore: number;
  /** Whether a sysctl such as `net.ipv4.ping_group_range` is there. */
  readonly hasSysctl: (name: string) => boolean;
}

/** What `readDevices` found on the host for a container's devices and limits on devices. */
export interface HostDevices {
  readonly devices: readonly OciDevice[];
  readonly rules: readonly OciDeviceRule[];
  readonly weights: readonly OciWeightDevice[];
  readonly readBps: readonly OciThrottleDevice[];
  readonly writeBps: readonly OciThrottleDevice[];
  readonly readIops: readonly OciThrottleDevice[];
  readonly writeIops: readonly OciThrottleDevice[];
}

export interface SpecInput {
  readonly id: string;
  /** The mounted root. */
  readonly rootfs: string;
  /** Merged with the image's. */
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly hostname: string;
  /** Variables of containers that this one is linked to. */
  readonly linked?: readonly string[];
  readonly user: OciUser;
  /** Volumes, binds and tmpfs, in any order. */
  readonly mounts: readonly SpecMount[];
  /** Files of the store that are bound to `/etc/hosts` and so on; none for a missing one. */
  readonly files: {
    readonly hosts?: string | undefined;
    readonly hostname?: string | undefined;
    readonly resolvConf?: string | undefined;
  };
  /**
   * A folder that is bound to `/dev/shm`: the host's for `--ipc host`, the container's own or
   * another's for `shareable` and `container:`. Undefined: a tmpfs of its own.
   */
  readonly shm?: string | undefined;
  readonly namespaces: SharedNamespaces;
  readonly devices: HostDevices;
  /** Path of the init process on the host, where `--init` asks for one. */
  readonly init?: string | undefined;
  readonly machine: Machine;
}
