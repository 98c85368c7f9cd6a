// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import { type CgroupFolders, cgroupMode, cgroupsOf } from "./cgroup.ts";

/** Times are nanoseconds. */
export interface CpuStats {
  readonly cpu_usage: {
    readonly total_usage: number;
    readonly percpu_usage?: readonly number[];
    readonly usage_in_kernelmode: number;
    readonly usage_in_usermode: number;
  };
  readonly system_cpu_usage: number;
  readonly online_cpus: number;
  readonly throttling_data: {
    readonly periods: number;
    readonly throttled_periods: number;
    readonly throttled_time: number;
  };
}

/** Sizes are bytes. */
export interface MemoryStats {
  readonly usage?: number;
  readonly max_usage?: number;
  readonly stats?: Readonly<Record<string, number>>;
  readonly failcnt?: number;
  readonly limit?: number;
}

export interface BlockEntry {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
}

export interface NetworkStats {
  readonly rx_bytes: number;
  readonly rx_packets: number;
  readonly rx_errors: number;
  readonly rx_dropped: number;
  readonly tx_bytes: number;
  readonly tx_packets: number;
  readonly tx_errors: number;
  readonly tx_dropped: number;
}

/** One sample in the form of `GET /containers/ID/stats`, without the container's names. */
export interface StatsSample {
  /** RFC 3339. */
  readonly read: string;
  readonly pids_stats: { readonly current?: number; readonly limit?: number };
  readonly blkio_stats: Readonly<Record<string, readonly BlockEntry[] | null>>;
  readonly num_procs: 0;
  readonly storage_stats: Readonly<Record<string, never>>;
  readonly cpu_stats: CpuStats;
  readonly memory_stats: MemoryStats;
  readonly networks?: Readonly<Record<string, NetworkStats>>;
}

export interface StatsOptions {
  /** Of the container's first process, in the host's numbers. */
  readonly pid: number;
  /** False where it has the host's network, whose figures are not its own. */
  readonly hasOwnNetwork: boolean;
}

/**
 * What a container uses now (daemon/stats_unix.go of moby).
 *
 * @returns undefined where it has ended
 */
export function readStats({ pid, hasOwnNetwork }: StatsOptions): StatsSample | undefined {
  const folders = cgroupsOf(pid);
  if (folders.size === 0) return undefined;
  const isUnified = cgroupMode() === "unified";
  const networks = hasOwnNetwork ? readNetworks(pid) : undefined;
  return {
    read: new Date().toISOString(),
    pids_stats: readPids(folders.get(isUnified ? "" : "pids")),
    blkio_stats: isUnified ? unifiedBlocks(folders) : legacyBlocks(folders),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: {
      ...(isUnified ? unifiedCpu(folders) : legacyCpu(folders)),
      system_cpu_usage: systemCpuUsage(),
      online_cpus: availableParallelism(),
    },
    memory_stats: isUnified ? unifiedMemory(folders) : legacyMemory(folders),
    ...(networks !== undefined && { networks }),
  };
}

/** Empty where there is no such file: a controller may be missing, a container may have ended. */
function read(folder: string | undefined, name: string): string {
  if (folder === undefined) return "";
  try {
    return fs.readFileSync(join(folder, name), "latin1").trim();
  } catch (error) {
    for (const code of ["ENOENT", "ENODEV", "ESRCH", "EOPNOTSUPP"]) {
      if (isSystemError(error, code)) return "";
    }
    throw error;
  }
}

function readNumber(folder: string | undefined, name: string): number {
  const text = read(folder, name);
  return text === "max" ? Number.POSITIVE_INFINITY : Number(text);
}

/** `NAME NUMBER` a line. */
function readTable(folder: string | undefined, name: string): Readonly<Record<string, number>> {
  const lines = read(folder, name).split("\n").filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => {
      const [key = "", value] = line.split(" ");
      return [key, Number(value)];
    }),
  );
}

function readPids(folder: string | undefined): StatsSample["pids_stats"] {
  const current = readNumber(folder, "pids.current");
  const limit = readNumber(folder, "pids.max");
  return { ...(current > 0 && { current }), ...(Number.isFinite(limit) && limit > 0 && { limit }) };
}

// USER_HZ, in which the kernel tells times to programs, is 100 on all of Node's architectures.
const nanosPerTick = 1e7;
const nanosPerMicro = 1000;

type OwnCpu = Omit<CpuStats, "system_cpu_usage" | "online_cpus">;

function legacyCpu(folders: CgroupFolders): OwnCpu {
  const folder = folders.get("cpuacct");
  const ticks = readTable(folder, "cpuacct.stat");
  const throttled = readTable(folders.get("cpu"), "cpu.stat");
  return {
    cpu_usage: {
      total_usage: readNumber(folder, "cpuacct.usage"),
      percpu_usage: read(folder, "cpuacct.usage_percpu").split(" ").filter(Boolean).map(Number),
      usage_in_kernelmode: (ticks.system ?? 0) * nanosPerTick,
      usage_in_usermode: (ticks.user ?? 0) * nanosPerTick,
    },
    throttling_data: {
      periods: throttled.nr_periods ?? 0,
      throttled_periods: throttled.nr_throttled ?? 0,
      throttled_time: throttled.throttled_time ?? 0,
    },
  };
}

function unifiedCpu(folders: CgroupFolders): OwnCpu {
  const table = readTable(folders.get(""), "cpu.stat");
  return {
    cpu_usage: {
      total_usage: (table.usage_usec ?? 0) * nanosPerMicro,
      usage_in_kernelmode: (table.system_usec ?? 0) * nanosPerMicro,
      usage_in_usermode: (table.user_usec ?? 0) * nanosPerMicro,
    },
    throttling_data: {
      periods: table.nr_periods ?? 0,
      throttled_periods: table.nr_throttled ?? 0,
      throttled_time: (table.throttled_usec ?? 0) * nanosPerMicro,
    },
  };
}

/** Of all CPUs since the boot. */
function systemCpuUsage(): number {
  const [line = ""] = read("/proc", "stat").split("\n");
  // user, nice, system, idle, iowait, irq, softirq of proc(5).
  const ticks = line.split(/\s+/).slice(1, 8).map(Number);
  return ticks.reduce((sum, value) => sum + value, 0) * nanosPerTick;
}

function machineMemory(): number {
  const [, kibibytes = "0"] = /^MemTotal:\s+(\d+) kB/m.exec(read("/proc", "meminfo")) ?? [];
  return Number(kibibytes) * 1024;
}

const legacyNames = (
  "cache rss rss_huge mapped_file dirty writeback pgpgin pgpgout pgfault pgmajfault inactive_anon " +
  "active_anon inactive_file active_file unevictable"
).split(" ");

function legacyMemory(folders: CgroupFolders): MemoryStats {
  const folder = folders.get("memory");
  const table = readTable(folder, "memory.stat");
  const names = [
    ...legacyNames,
    "hierarchical_memory_limit",
    "hierarchical_memsw_limit",
    ...legacyNames.map((name) => `total_${name}`),
  ];
  return withoutZeros({
    usage: readNumber(folder, "memory.usage_in_bytes"),
    max_usage: readNumber(folder, "memory.max_usage_in_bytes"),
    failcnt: readNumber(folder, "memory.failcnt"),
    limit: Math.min(readNumber(folder, "memory.limit_in_bytes"), machineMemory()),
    stats: Object.fromEntries(names.map((name) => [name, table[name] ?? 0])),
  });
}

const unifiedNames = (
  "anon file kernel_stack slab sock shmem file_mapped file_dirty file_writeback anon_thp " +
  "inactive_anon active_anon inactive_file active_file unevictable slab_reclaimable " +
  "slab_unreclaimable pgfault pgmajfault workingset_refault workingset_activate " +
  "workingset_nodereclaim pgrefill pgscan pgsteal pgactivate pgdeactivate pglazyfree " +
  "pglazyfreed thp_fault_alloc thp_collapse_alloc"
).split(" ");

function unifiedMemory(folders: CgroupFolders): MemoryStats {
  const folder = folders.get("");
  const table = readTable(folder, "memory.stat");
  return withoutZeros({
    usage: readNumber(folder, "memory.current"),
    max_usage: readNumber(folder, "memory.peak"),
    failcnt: readTable(folder, "memory.events").oom ?? 0,
    limit: Math.min(readNumber(folder, "memory.max"), machineMemory()),
    stats: Object.fromEntries(unifiedNames.map((name) => [name, table[name] ?? 0])),
  });
}

/** As Go leaves zeros out. */
function withoutZeros(stats: MemoryStats): MemoryStats {
  return Object.fromEntries(Object.entries(stats).filter(([, value]) => value !== 0));
}

const otherBlocks = {
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};

function legacyBlocks(folders: CgroupFolders): StatsSample["blkio_stats"] {
  const folder = folders.get("blkio");
  return {
    io_service_bytes_recursive: blockEntries(folder, "blkio.throttle.io_service_bytes_recursive"),
    io_serviced_recursive: blockEntries(folder, "blkio.throttle.io_serviced_recursive"),
    ...otherBlocks,
  };
}

/** `8:0 Read 4096` a line. */
function blockEntries(folder: string | undefined, name: string): readonly BlockEntry[] {
  const found = read(folder, name).matchAll(/^(\d+):(\d+) (\w+) (\d+)$/gm);
  return Array.from(found, ([, major, minor, op = "", value]) => ({
    major: Number(major),
    minor: Number(minor),
    op: op.toLowerCase(),
    value: Number(value),
  }));
}

/** `8:0 rbytes=4096 wbytes=0 rios=1 …` a line. */
function unifiedBlocks(folders: CgroupFolders): StatsSample["blkio_stats"] {
  const lines = read(folders.get(""), "io.stat").matchAll(/^(\d+):(\d+) (.*)$/gm);
  const entries = Array.from(lines, ([, major, minor, text = ""]) => {
    const numbers = { major: Number(major), minor: Number(minor) };
    const figure = (name: string) => Number(new RegExp(`\\b${name}=(\\d+)`).exec(text)?.[1] ?? 0);
    return [
      { ...numbers, op: "read", value: figure("rbytes") },
      { ...numbers, op: "write", value: figure("wbytes") },
    ];
  });
  return {
    io_service_bytes_recursive: entries.flat(),
    io_serviced_recursive: null,
    ...otherBlocks,
  };
}

/** `/proc/PID/net/dev`, the loopback device aside. */
function readNetworks(pid: number): Readonly<Record<string, NetworkStats>> {
  const lines = read(`/proc/${pid}/net`, "dev").split("\n").slice(2);
  const entries = lines.flatMap((line) => {
    const [name = "", numbers = ""] = line.split(":");
    const device = name.trim();
    return device === "" || device === "lo" ? [] : [[device, networkStats(numbers)] as const];
  });
  return Object.fromEntries(entries);
}

function networkStats(numbers: string): NetworkStats {
  const values = numbers.trim().split(/\s+/).map(Number);
  const at = (index: number) => values[index] ?? 0;
  return {
    rx_bytes: at(0),
    rx_packets: at(1),
    rx_errors: at(2),
    rx_dropped: at(3),
    tx_bytes: at(8),
    tx_packets: at(9),
    tx_errors: at(10),
    tx_dropped: at(11),
  };
}
