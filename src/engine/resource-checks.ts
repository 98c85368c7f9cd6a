// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { availableParallelism } from "node:os";
import { LadeError } from "../base/errors.ts";
import { cgroupMode } from "../runtime/cgroup.ts";
import type { Resources } from "../spec/container.ts";
import { containerInvalid } from "./container-errors.ts";

/** `verifyPlatformContainerResources` of moby (daemon/daemon_unix.go). */

const minMemory = 6 * 1024 * 1024;

export interface CheckedResources {
  /** What is to change in the resources. */
  readonly changes: Resources;
  readonly warnings: readonly string[];
}

/**
 * Checks limits against each other and against what this kernel has.
 *
 * Where Docker drops a limit that the kernel lacks with a warning, it is refused here.
 *
 * @throws LadeError CONTAINER_INVALID; UNSUPPORTED for limits that this kernel lacks
 */
export function checkResources(
  resources: Resources,
  options: { readonly isUpdate: boolean },
): CheckedResources {
  checkMemory(resources, options);
  checkCpus(resources);
  checkBlockIo(resources);
  refuseUnsupported(resources);
  const { Memory: memory = 0, MemorySwap: swap = 0, OomKillDisable: isKillDisabled } = resources;
  const warnings: string[] = [];
  let changes: Resources = {};
  if (
    memory > 0 &&
    swap !== -1 &&
    !hasControl("memory", "memory.memsw.limit_in_bytes", "memory.swap.max")
  ) {
    warnings.push(
      "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    );
    changes = { MemorySwap: -1 };
  }
  if (isKillDisabled === true && memory === 0) {
    warnings.push(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  }
  return { changes, warnings };
}

function checkMemory(resources: Resources, options: { readonly isUpdate: boolean }): void {
  const { Memory: memory = 0, MemorySwap: swap = 0, MemoryReservation: soft = 0 } = resources;
  if (memory !== 0 && memory < minMemory) {
    throw containerInvalid("Minimum memory limit allowed is 6MB");
  }
  if (memory > 0 && swap > 0 && swap < memory) {
    throw containerInvalid(
      "Minimum memoryswap limit should be larger than memory limit, see usage",
    );
  }
  if (memory === 0 && swap > 0 && !options.isUpdate) {
    throw containerInvalid(
      "You should always set the Memory limit when using Memoryswap limit, see usage",
    );
  }
  const swappiness = swappinessOf(resources);
  if (swappiness !== undefined && (swappiness < 0 || swappiness > 100)) {
    throw containerInvalid(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  if (soft > 0 && soft < minMemory) {
    throw containerInvalid("Minimum memory reservation allowed is 6MB");
  }
  if (memory > 0 && soft > memory) {
    throw containerInvalid(
      "Minimum memory limit can not be less than memory reservation limit, see usage",
    );
  }
  if ((resources.KernelMemory ?? 0) !== 0) {
    throw unsupported("kernel memory limit", "Kernels since 5.16 have none: use --memory.");
  }
}

/** -1 stands for the system's own, as the command line sends it. */
function swappinessOf({ MemorySwappiness: value }: Resources): number | undefined {
  return value === undefined || value === null || value === -1 ? undefined : value;
}

const nanosPerCpu = 1e9;

function checkCpus(resources: Resources): void {
  const { NanoCpus: nanos = 0, CpuPeriod: period = 0, CpuQuota: quota = 0 } = resources;
  if (nanos > 0 && period > 0) {
    throw containerInvalid("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  }
  if (nanos > 0 && quota > 0) {
    throw containerInvalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  }
  const count = availableParallelism();
  if (nanos < 0 || nanos > count * nanosPerCpu) {
    throw containerInvalid(
      `range of CPUs is from 0.01 to ${count}.00, as there are only ${count} CPUs available`,
    );
  }
  if ((resources.CpuShares ?? 0) < 0) {
    throw containerInvalid(
      `invalid CPU shares (${resources.CpuShares}): value must be a positive integer`,
    );
  }
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    throw containerInvalid(
      "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
    );
  }
  if (quota > 0 && quota < 1000) {
    throw containerInvalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  }
  const { CpuRealtimePeriod: realPeriod = 0, CpuRealtimeRuntime: realRuntime = 0 } = resources;
  if (realPeriod !== 0 && realRuntime > realPeriod) {
    throw containerInvalid("cpu real-time runtime cannot be higher than cpu real-time period");
  }
  checkSet("cpus", resources.CpusetCpus ?? "");
  checkSet("mems", resources.CpusetMems ?? "");
}

function checkSet(kind: "cpus" | "mems", wanted: string): void {
  if (wanted === "") return;
  const numbers = parseNumbers(wanted);
  if (numbers === undefined) {
    throw containerInvalid(`Invalid value ${wanted} for cpuset ${kind}: invalid format: ${wanted}`);
  }
  const available = readFile("cpuset", `cpuset.${kind}`, `cpuset.${kind}.effective`);
  if (available === undefined) throw unsupported("cpuset");
  const have = new Set(parseNumbers(available) ?? []);
  if (numbers.every((number) => have.has(number))) return;
  const things = kind === "cpus" ? "CPUs" : "memory nodes";
  throw containerInvalid(
    `Requested ${things} are not available - requested ${wanted}, available: ${available}`,
  );
}

/** More numbers than any machine has CPUs: a range may not fill the memory. */
const numbersMax = 8192;

/** `0-2,4` */
function parseNumbers(text: string): number[] | undefined {
  const numbers: number[] = [];
  for (const part of text.split(",")) {
    const [, first, last = first] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part) ?? [];
    const [start, end] = [Number(first), Number(last)];
    if (first === undefined || end < start || end - start > numbersMax) return undefined;
    for (let number = start; number <= end; number++) numbers.push(number);
  }
  return numbers;
}

function checkBlockIo(resources: Resources): void {
  const weight = resources.BlkioWeight ?? 0;
  if (weight !== 0 && (weight < 10 || weight > 1000)) {
    throw containerInvalid("Range of blkio weight is from 10 to 1000");
  }
}

/** Limits, and the files of cgroup version 1 and 2 without which the kernel can't keep them. */
const needs: readonly (readonly [
  wanted: (resources: Resources) => boolean,
  name: string,
  controller: string,
  v1: string,
  v2: string,
])[] = [
  [(r) => isSet(r.Memory), "memory limit", "memory", "memory.limit_in_bytes", "memory.max"],
  [
    (r) => isSet(r.MemoryReservation),
    "memory soft limit",
    "memory",
    "memory.soft_limit_in_bytes",
    "memory.low",
  ],
  [(r) => swappinessOf(r) !== undefined, "memory swappiness", "memory", "memory.swappiness", ""],
  [(r) => r.OomKillDisable === true, "OomKillDisable", "memory", "memory.oom_control", ""],
  [(r) => (r.PidsLimit ?? 0) > 0, "PIDs limit", "pids", "cgroup.procs", "pids.max"],
  [(r) => isSet(r.CpuShares), "CPU shares", "cpu", "cpu.shares", "cpu.weight"],
  [
    (r) => isSet(r.NanoCpus) || isSet(r.CpuPeriod) || isSet(r.CpuQuota),
    "CPU CFS scheduler",
    "cpu",
    "cpu.cfs_quota_us",
    "cpu.max",
  ],
  [
    (r) => isSet(r.CpuRealtimePeriod) || isSet(r.CpuRealtimeRuntime),
    "CPU real-time scheduler",
    "cpu",
    "cpu.rt_runtime_us",
    "",
  ],
  [(r) => isSet(r.BlkioWeight), "Block I/O weight", "blkio", "blkio.weight", "io.weight"],
  [
    (r) => (r.BlkioWeightDevice ?? []).length > 0,
    "Block I/O weight_device",
    "blkio",
    "blkio.weight_device",
    "io.weight",
  ],
  [
    (r) => (r.BlkioDeviceReadBps ?? []).length > 0,
    "BPS Block I/O read limit",
    "blkio",
    "blkio.throttle.read_bps_device",
    "io.max",
  ],
  [
    (r) => (r.BlkioDeviceWriteBps ?? []).length > 0,
    "BPS Block I/O write limit",
    "blkio",
    "blkio.throttle.write_bps_device",
    "io.max",
  ],
  [
    (r) => (r.BlkioDeviceReadIOps ?? []).length > 0,
    "IOPS Block read limit",
    "blkio",
    "blkio.throttle.read_iops_device",
    "io.max",
  ],
  [
    (r) => (r.BlkioDeviceWriteIOps ?? []).length > 0,
    "IOPS Block write limit",
    "blkio",
    "blkio.throttle.write_iops_device",
    "io.max",
  ],
];

function isSet(value: number | undefined): boolean {
  return value !== undefined && value !== 0;
}

function refuseUnsupported(resources: Resources): void {
  for (const [isWanted, name, controller, v1, v2] of needs) {
    if (isWanted(resources) && !hasControl(controller, v1, v2)) throw unsupported(name);
  }
}

function unsupported(name: string, hint?: string): LadeError {
  return new LadeError(
    "UNSUPPORTED",
    `Your kernel does not support ${name} or the cgroup is not mounted`,
    { hint: hint ?? "Leave the option away." },
  );
}

const mountPoint = "/sys/fs/cgroup";

function filePath(controller: string, v1: string, v2: string): string | undefined {
  if (cgroupMode() !== "unified") return `${mountPoint}/${controller}/${v1}`;
  // The topmost group has no files of limits; a group below it has.
  return v2 === "" ? undefined : `${mountPoint}/${v2}`;
}

/**
 * Whether this kernel has a control of cgroups.
 *
 * @param v1 its file in version 1
 * @param v2 its file in version 2; empty where that has none
 */
export function hasControl(controller: string, v1: string, v2: string): boolean {
  const path = filePath(controller, v1, v2);
  if (path === undefined) return false;
  if (cgroupMode() !== "unified") return fs.existsSync(path);
  const name = controller === "blkio" ? "io" : controller;
  return readText(`${mountPoint}/cgroup.controllers`)?.split(" ").includes(name) ?? false;
}

function readFile(controller: string, v1: string, v2: string): string | undefined {
  const path = filePath(controller, v1, v2);
  return path === undefined ? undefined : readText(path);
}

function readText(path: string): string | undefined {
  try {
    return fs.readFileSync(path, "latin1").trim();
  } catch {
    return undefined;
  }
}
