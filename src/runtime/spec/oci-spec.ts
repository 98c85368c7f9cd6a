// SPDX-License-Identifier: Apache-2.0

/** `config.json` of the OCI runtime specification 1.0.2, as far as lade writes it. */
export interface OciSpec {
  readonly ociVersion: string;
  readonly process: OciProcess;
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly hostname?: string;
  readonly mounts: readonly OciMount[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux: OciLinux;
}

export interface OciProcess {
  readonly terminal: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user: OciUser;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: OciCapabilities;
  readonly rlimits?: readonly OciRlimit[];
  readonly noNewPrivileges?: boolean;
  readonly apparmorProfile?: string;
  readonly oomScoreAdj?: number;
}

export interface OciUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

/** Without `inheritable` and `ambient`: they stay empty (CVE-2022-24769). */
export interface OciCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
}

export interface OciRlimit {
  readonly type: string;
  readonly soft: number | bigint;
  readonly hard: number | bigint;
}

export interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface OciNamespace {
  readonly type: "pid" | "network" | "ipc" | "uts" | "mount" | "cgroup" | "user" | "time";
  /** Joined; a new one where undefined. */
  readonly path?: string;
}

export interface OciDevice {
  readonly path: string;
  readonly type: "c" | "b" | "p";
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface OciDeviceRule {
  readonly allow: boolean;
  readonly type?: string;
  /** -1: all. */
  readonly major?: number;
  readonly minor?: number;
  readonly access: string;
}

export interface OciResources {
  readonly devices?: readonly OciDeviceRule[];
  readonly memory?: {
    readonly limit?: number;
    readonly reservation?: number;
    readonly swap?: number;
    readonly swappiness?: number;
    readonly disableOOMKiller?: boolean;
  };
  readonly cpu?: {
    readonly shares?: number;
    readonly period?: number;
    readonly quota?: number;
    readonly realtimePeriod?: number;
    readonly realtimeRuntime?: number;
    readonly cpus?: string;
    readonly mems?: string;
  };
  readonly pids?: { readonly limit: number };
  readonly blockIO?: {
    readonly weight?: number;
    readonly weightDevice?: readonly OciWeightDevice[];
    readonly throttleReadBpsDevice?: readonly OciThrottleDevice[];
    readonly throttleWriteBpsDevice?: readonly OciThrottleDevice[];
    readonly throttleReadIOPSDevice?: readonly OciThrottleDevice[];
    readonly throttleWriteIOPSDevice?: readonly OciThrottleDevice[];
  };
}

export interface OciWeightDevice {
  readonly major: number;
  readonly minor: number;
  readonly weight: number;
}

export interface OciThrottleDevice {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

export interface OciSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly listenerPath?: string;
  readonly listenerMetadata?: string;
  readonly syscalls?: readonly OciSyscall[];
}

export interface OciSyscall {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly OciSyscallArgument[];
}

export interface OciSyscallArgument {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: string;
}

export interface OciLinux {
  readonly namespaces: readonly OciNamespace[];
  readonly cgroupsPath: string;
  readonly resources: OciResources;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly devices?: readonly OciDevice[];
  readonly seccomp?: OciSeccomp;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly rootfsPropagation?: string;
}

/** A document of the runtime's specification as JSON; numbers may be beyond those of JavaScript. */
export function formatOciDocument(document: OciSpec | OciProcess | OciResources): string {
  return JSON.stringify(document, (_, value: unknown) =>
    typeof value === "bigint" ? rawNumber(value) : value,
  );
}

/** `JSON.rawJSON` of ECMAScript 2026. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

function rawNumber(value: bigint): unknown {
  return rawJSON(value.toString());
}

/** Reads a document of lade's own again; numbers that JavaScript can't hold come as bigints. */
export function parseOciSpec(text: string): OciSpec {
  return JSON.parse(text, reviveNumber) as OciSpec;
}

function reviveNumber(_: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}
