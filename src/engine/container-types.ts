// SPDX-License-Identifier: Apache-2.0

/**
 * What the use cases of containers, volumes and networks take and give. Documents have the members
 * of Docker's Engine API; the command line prints them, an API sends them.
 */

import type { ByteWriter } from "../base/bytes.ts";
import type { ProgressListener } from "../base/progress.ts";
import type { Attachment, AttachOptions, TerminalSize } from "../runtime/types.ts";
import type { ContainerBody, ContainerStatus, HostConfig, MountPoint } from "../spec/container.ts";
import type { Digest } from "../spec/digest.ts";
import type { ImageConfigSection } from "../spec/image-config.ts";
import type { Filter } from "./types.ts";

export type {
  Attachment,
  AttachOptions,
  AttachStreams,
  LogOptions,
  LogRecord,
  TerminalSize,
  TopResult,
} from "../runtime/types.ts";

export interface CreateContainerOptions {
  /** Empty or missing: one is made up. */
  readonly name?: string | undefined;
  /** Its `Image` is a name, or the path of an archive that is run where it lies. */
  readonly body: ContainerBody;
  readonly platform?: string | undefined;
  /** Told while an archive's layers are verified. */
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CreatedContainer {
  readonly id: string;
  readonly warnings: readonly string[];
}

export interface StartOptions {
  /** Attach before the process starts, so that nothing of its output is missed. */
  readonly attach?: AttachOptions | undefined;
  readonly size?: TerminalSize | undefined;
}

export interface StartedContainer {
  readonly attachment?: Attachment | undefined;
  readonly warnings: readonly string[];
  /** It ran already, and nothing was done. */
  readonly ranAlready?: boolean;
}

export interface StopOptions {
  readonly signal?: string | undefined;
  /** Before SIGKILL; negative: wait for ever; undefined: the container's own, else 10. */
  readonly timeoutSeconds?: number | undefined;
}

export type WaitCondition = "not-running" | "next-exit" | "removed";

export interface WaitResult {
  readonly exitCode: number;
  readonly error?: string | undefined;
}

export interface RemoveContainerOptions {
  readonly force?: boolean | undefined;
  /** Also anonymous volumes. */
  readonly volumes?: boolean | undefined;
  readonly link?: boolean | undefined;
}

export interface ListContainersOptions {
  readonly all?: boolean | undefined;
  /** Newest so many, running or not; undefined or not positive: no limit. */
  readonly limit?: number | undefined;
  readonly size?: boolean | undefined;
  readonly filters?: readonly Filter[] | undefined;
}

export interface PublishedPort {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type: "tcp" | "udp" | "sctp";
}

/** One container as `GET /containers/json` lists it. */
export interface ContainerSummary {
  readonly Id: string;
  /** With the leading slash. */
  readonly Names: readonly string[];
  readonly Image: string;
  readonly ImageID: Digest;
  readonly Command: string;
  /** Seconds since 1970. */
  readonly Created: number;
  readonly Ports: readonly PublishedPort[];
  readonly SizeRw?: number;
  readonly SizeRootFs?: number;
  readonly Labels: Readonly<Record<string, string>>;
  readonly State: ContainerStatus;
  /** `Up 5 minutes (healthy)`. */
  readonly Status: string;
  readonly HostConfig: { readonly NetworkMode: string };
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, EndpointDocument>> };
  readonly Mounts: readonly MountPoint[];
}

export interface EndpointDocument {
  readonly IPAMConfig: Readonly<Record<string, unknown>> | null;
  readonly Links: readonly string[] | null;
  readonly Aliases: readonly string[] | null;
  readonly MacAddress: string;
  readonly DriverOpts: Readonly<Record<string, string>> | null;
  readonly NetworkID: string;
  readonly EndpointID: string;
  readonly Gateway: string;
  readonly IPAddress: string;
  readonly IPPrefixLen: number;
  readonly IPv6Gateway: string;
  readonly GlobalIPv6Address: string;
  readonly GlobalIPv6PrefixLen: number;
  readonly DNSNames: readonly string[] | null;
}

/** `State` of `inspect`. Times are RFC 3339 with Go's zero time for never. */
export interface StateDocument {
  readonly Status: ContainerStatus;
  readonly Running: boolean;
  readonly Paused: boolean;
  readonly Restarting: boolean;
  readonly OOMKilled: boolean;
  readonly Dead: boolean;
  readonly Pid: number;
  readonly ExitCode: number;
  readonly Error: string;
  readonly StartedAt: string;
  readonly FinishedAt: string;
  readonly Health?: HealthDocument;
}

export interface HealthDocument {
  readonly Status: "starting" | "healthy" | "unhealthy" | "none";
  readonly FailingStreak: number;
  readonly Log: readonly {
    readonly Start: string;
    readonly End: string;
    readonly ExitCode: number;
    readonly Output: string;
  }[];
}

/** `GET /containers/ID/json`. */
export interface ContainerDocument {
  readonly Id: string;
  readonly Created: string;
  readonly Path: string;
  readonly Args: readonly string[];
  readonly State: StateDocument;
  readonly Image: Digest;
  readonly ResolvConfPath: string;
  readonly HostnamePath: string;
  readonly HostsPath: string;
  readonly LogPath: string;
  readonly Name: string;
  readonly RestartCount: number;
  readonly Driver: string;
  readonly Platform: string;
  readonly MountLabel: string;
  readonly ProcessLabel: string;
  readonly AppArmorProfile: string;
  readonly ExecIDs: readonly string[] | null;
  readonly HostConfig: HostConfig;
  readonly GraphDriver: { readonly Data: Readonly<Record<string, string>>; readonly Name: string };
  readonly SizeRw?: number;
  readonly SizeRootFs?: number;
  readonly Mounts: readonly MountPoint[];
  readonly Config: ImageConfigSection;
  readonly NetworkSettings: {
    readonly Bridge: string;
    readonly SandboxID: string;
    readonly HairpinMode: boolean;
    readonly LinkLocalIPv6Address: string;
    readonly LinkLocalIPv6PrefixLen: number;
    readonly Ports: Readonly<
      Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
    >;
    readonly SandboxKey: string;
    readonly SecondaryIPAddresses: null;
    readonly SecondaryIPv6Addresses: null;
    readonly EndpointID: string;
    readonly Gateway: string;
    readonly GlobalIPv6Address: string;
    readonly GlobalIPv6PrefixLen: number;
    readonly IPAddress: string;
    readonly IPPrefixLen: number;
    readonly IPv6Gateway: string;
    readonly MacAddress: string;
    readonly Networks: Readonly<Record<string, EndpointDocument>>;
  };
}

export type ChangeKind = "changed" | "added" | "deleted";

/** One line of `diff`. */
export interface ContainerChange {
  readonly path: string;
  readonly kind: ChangeKind;
}

export interface PruneContainersReport {
  readonly containersDeleted: readonly string[];
  /** Bytes. */
  readonly spaceReclaimed: number;
}

export interface ExecDocument {
  readonly ID: string;
  readonly Running: boolean;
  readonly ExitCode: number | null;
  readonly ProcessConfig: {
    readonly tty: boolean;
    readonly entrypoint: string;
    readonly arguments: readonly string[];
    readonly privileged: boolean;
    readonly user?: string;
  };
  readonly OpenStdin: boolean;
  readonly OpenStderr: boolean;
  readonly OpenStdout: boolean;
  readonly CanRemove: boolean;
  readonly ContainerID: string;
  readonly DetachKeys: string;
  readonly Pid: number;
}

export interface StartExecOptions {
  readonly detach?: boolean | undefined;
  readonly attach?: AttachOptions | undefined;
  readonly size?: TerminalSize | undefined;
}

export interface StartedExec {
  readonly attachment?: Attachment | undefined;
  /** The process's exit code; at once 0 for a detached one. */
  readonly exitCode: Promise<number>;
}

export interface CommitOptions {
  readonly container: string;
  readonly reference?: string | undefined;
  readonly author?: string | undefined;
  readonly message?: string | undefined;
  readonly changes?: readonly string[] | undefined;
  /** Goes before the container's own configuration, which fills in what it leaves open. */
  readonly config?: ImageConfigSection | undefined;
  /** Pause the container meanwhile; true unless said otherwise. */
  readonly pause?: boolean | undefined;
  /** One layer instead of the image's and the change. */
  readonly squash?: boolean | undefined;
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ExportOptions {
  readonly container: string;
  /** A file, or undefined for standard output. */
  readonly path?: string | undefined;
  /** Gets the tar instead of `path`, where it is given. */
  readonly write?: ByteWriter | undefined;
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What `HEAD /containers/ID/archive` tells of a path. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** Go's `os.FileMode`. */
  readonly mode: number;
  readonly mtime: string;
  readonly linkTarget: string;
}

export interface RollbackOptions {
  readonly image: string;
  /** How many layers stay, or a layer's digest (short or whole) that is to be the last. */
  readonly to?: string | undefined;
  readonly reference?: string | undefined;
}

export interface VolumeDocument {
  readonly CreatedAt: string;
  readonly Driver: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly Mountpoint: string;
  readonly Name: string;
  readonly Options: Readonly<Record<string, string>> | null;
  readonly Scope: "local";
  readonly UsageData?: { readonly RefCount: number; readonly Size: number };
}

export interface CreateVolumeOptions {
  readonly name?: string | undefined;
  readonly driver?: string | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface PruneVolumesReport {
  readonly volumesDeleted: readonly string[];
  /** Bytes. */
  readonly spaceReclaimed: number;
}

export interface NetworkDocument {
  readonly Name: string;
  readonly Id: string;
  readonly Created: string;
  readonly Scope: "local";
  readonly Driver: string;
  readonly EnableIPv6: boolean;
  readonly IPAM: {
    readonly Driver: string;
    readonly Options: Readonly<Record<string, string>> | null;
    readonly Config: readonly {
      readonly Subnet?: string;
      readonly IPRange?: string;
      readonly Gateway?: string;
      readonly AuxiliaryAddresses?: Readonly<Record<string, string>>;
    }[];
  };
  readonly Internal: boolean;
  readonly Attachable: boolean;
  readonly Ingress: boolean;
  readonly ConfigFrom: { readonly Network: string };
  readonly ConfigOnly: boolean;
  /** By container ID. */
  readonly Containers: Readonly<
    Record<
      string,
      {
        readonly Name: string;
        readonly EndpointID: string;
        readonly MacAddress: string;
        readonly IPv4Address: string;
        readonly IPv6Address: string;
      }
    >
  >;
  readonly Options: Readonly<Record<string, string>>;
  readonly Labels: Readonly<Record<string, string>>;
}

export interface CreateNetworkOptions {
  readonly name: string;
  readonly driver?: string | undefined;
  readonly internal?: boolean | undefined;
  readonly attachable?: boolean | undefined;
  readonly enableIpv6?: boolean | undefined;
  readonly ipam?: NetworkDocument["IPAM"] | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}
