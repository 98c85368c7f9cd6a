// SPDX-License-Identifier: Apache-2.0

import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { isLadeError } from "../base/errors.ts";
import { cgroupMode, usesSystemdCgroups } from "../runtime/cgroup.ts";
import { readMachine } from "../runtime/machine.ts";
import { findInit, findProgram, findTools, namedRuntime } from "../runtime/tools.ts";
import { hasControl } from "./resource-checks.ts";

/** Which limits this machine's kernel can keep. */
export interface LimitFacts {
  readonly memory: boolean;
  readonly swap: boolean;
  readonly cfsPeriod: boolean;
  readonly cfsQuota: boolean;
  readonly cpuShares: boolean;
  readonly cpuSet: boolean;
  readonly pids: boolean;
  readonly oomKillDisable: boolean;
}

/** How containers are run on this machine. */
export interface RuntimeFacts {
  readonly cgroupDriver: "cgroupfs" | "systemd";
  readonly cgroupVersion: "1" | "2";
  readonly limits: LimitFacts;
  /** Paths of the OCI runtimes that are there, by name. */
  readonly runtimes: Readonly<Record<string, string>>;
  /** Empty where there is none. */
  readonly defaultRuntime: string;
  /** Its commit, else its version; empty where it doesn't tell. */
  readonly runtimeVersion: string;
  /** Path of the program of `--init`; empty where there is none. */
  readonly init: string;
  /** In Docker's spelling: `name=seccomp,profile=default`. */
  readonly securityOptions: readonly string[];
  /** Whether the kernel sends on packets between networks. */
  readonly forwardsIpv4: boolean;
  /** What containers can't have here: Docker's words, without `WARNING`. */
  readonly warnings: readonly string[];
}

export async function runtimeFacts(): Promise<RuntimeFacts> {
  const limits = readLimits();
  const runtimes = readRuntimes();
  const { defaultRuntime, path } = defaultRuntimeOf(runtimes);
  const cgroupVersion = cgroupMode() === "unified" ? "2" : "1";
  return {
    cgroupDriver: usesSystemdCgroups() ? "systemd" : "cgroupfs",
    cgroupVersion,
    limits,
    runtimes,
    defaultRuntime,
    runtimeVersion: path === undefined ? "" : await versionOf(path),
    init: initPath(),
    securityOptions: readSecurityOptions(cgroupVersion),
    forwardsIpv4: readSwitch("/proc/sys/net/ipv4/ip_forward"),
    warnings: warningsOf(limits, cgroupVersion),
  };
}

function readLimits(): LimitFacts {
  return {
    memory: hasControl("memory", "memory.limit_in_bytes", "memory.max"),
    swap: hasControl("memory", "memory.memsw.limit_in_bytes", "memory.swap.max"),
    cfsPeriod: hasControl("cpu", "cpu.cfs_period_us", "cpu.max"),
    cfsQuota: hasControl("cpu", "cpu.cfs_quota_us", "cpu.max"),
    cpuShares: hasControl("cpu", "cpu.shares", "cpu.weight"),
    cpuSet: hasControl("cpuset", "cpuset.cpus", "cpuset.cpus"),
    pids: hasControl("pids", "cgroup.procs", "pids.max"),
    oomKillDisable: hasControl("memory", "memory.oom_control", ""),
  };
}

/** Docker's warnings (`fillPlatformInfo` of daemon/info_unix.go). */
function warningsOf(limits: LimitFacts, cgroupVersion: "1" | "2"): string[] {
  const missing: readonly (readonly [boolean, string])[] = [
    [limits.memory, "memory limit"],
    [limits.swap, "swap limit"],
    // Version 2 has no such switch, for anybody.
    [limits.oomKillDisable || cgroupVersion === "2", "oom kill disable"],
    [limits.cfsQuota, "cpu cfs quota"],
    [limits.cfsPeriod, "cpu cfs period"],
    [limits.cpuShares, "cpu shares"],
    [limits.cpuSet, "cpuset"],
  ];
  return missing.filter(([has]) => !has).map(([, name]) => `No ${name} support`);
}

function readRuntimes(): Readonly<Record<string, string>> {
  const found = ["crun", "runc"].flatMap((name) => {
    const path = findProgram(name);
    return path === undefined ? [] : [[name, path] as const];
  });
  return Object.fromEntries(found);
}

/** The one that a container gets which names none; LADE_RUNTIME may be a path. */
function defaultRuntimeOf(runtimes: Readonly<Record<string, string>>): {
  readonly defaultRuntime: string;
  readonly path: string | undefined;
} {
  try {
    const path = process.env.LADE_RUNTIME
      ? namedRuntime(process.env.LADE_RUNTIME).runtime
      : findTools().runtime;
    const name = Object.entries(runtimes).find(([, known]) => known === path)?.[0] ?? path;
    return { defaultRuntime: name, path };
  } catch (error) {
    if (isLadeError(error)) return { defaultRuntime: "", path: undefined };
    throw error;
  }
}

function initPath(): string {
  try {
    return findInit();
  } catch (error) {
    if (isLadeError(error)) return "";
    throw error;
  }
}

function readSecurityOptions(cgroupVersion: "1" | "2"): string[] {
  const options = readMachine().hasSeccomp ? ["name=seccomp,profile=default"] : [];
  return cgroupVersion === "2" ? [...options, "name=cgroupns"] : options;
}

function readSwitch(path: string): boolean {
  try {
    return fs.readFileSync(path, "latin1").trim() === "1";
  } catch {
    return false;
  }
}

/** A program's version is asked once for each state of its file: a server is asked for it often. */
const versions = new Map<string, string>();

async function versionOf(path: string): Promise<string> {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  const key = `${path} ${stat?.mtimeMs} ${stat?.size}`;
  const known = versions.get(key) ?? parseVersion(await askVersion(path));
  versions.set(key, known);
  return known;
}

function askVersion(path: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(path, ["--version"], { timeout: 5000 }, (error, stdout) =>
      resolve(error === null ? stdout : ""),
    );
  });
}

/** `runc version 1.1.5` and `commit: v1.1.5-0-gf19387a6`: the commit goes first, as in Docker. */
function parseVersion(text: string): string {
  const commit = /^commit: *(\S+)/m.exec(text)?.[1];
  return commit ?? /version (\S+)/.exec(text)?.[1] ?? "";
}
