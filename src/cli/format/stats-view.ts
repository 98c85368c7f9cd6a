// SPDX-License-Identifier: Apache-2.0

import { binarySize, humanSize, shortId } from "./human.ts";
import type { ListView } from "./list-view.ts";

/** What a container uses, in the members of Docker's `GET /containers/ID/stats` that are shown. */
export interface StatsDocument {
  readonly id: string;
  /** With the leading slash. */
  readonly name: string;
  readonly cpu_stats: CpuUsage;
  /** The sample before; zeros where there is none. */
  readonly precpu_stats?: CpuUsage;
  readonly memory_stats: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
  readonly blkio_stats: {
    readonly io_service_bytes_recursive?:
      | readonly { readonly op: string; readonly value: number }[]
      | null;
  };
  readonly pids_stats: { readonly current?: number };
  readonly networks?: Readonly<
    Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>
  >;
}

interface CpuUsage {
  readonly cpu_usage: {
    readonly total_usage: number;
    readonly percpu_usage?: readonly number[];
  };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
}

/** One container's row; nothing but its name where it could not be asked. */
export interface StatsRow {
  /** As it was named. */
  readonly container: string;
  readonly document: StatsDocument | undefined;
  /** The sample before this one. */
  readonly previous: StatsDocument | undefined;
}

/** Source: docker/cli (cli/command/container/stats_helpers.go). */
function cpuPercent({ document, previous }: StatsRow): number {
  const now = document?.cpu_stats;
  const before = previous?.cpu_stats ?? document?.precpu_stats;
  if (now === undefined || before === undefined) return 0;
  const cpu = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const system = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const cpus = now.online_cpus || now.cpu_usage.percpu_usage?.length || 0;
  return cpu > 0 && system > 0 ? (cpu / system) * cpus * 100 : 0;
}

/** What the kernel can drop at once does not count. */
function usedMemory({ usage = 0, stats = {} }: StatsDocument["memory_stats"]): number {
  const inactive = stats.total_inactive_file ?? stats.inactive_file ?? 0;
  return inactive < usage ? usage - inactive : usage;
}

function blockBytes(document: StatsDocument, letter: "r" | "w"): number {
  const entries = document.blkio_stats.io_service_bytes_recursive ?? [];
  return entries
    .filter(({ op }) => op.toLowerCase().startsWith(letter))
    .reduce((sum, { value }) => sum + value, 0);
}

function networkBytes({ networks = {} }: StatsDocument, which: "rx_bytes" | "tx_bytes"): number {
  return Object.values(networks).reduce((sum, network) => sum + network[which], 0);
}

const percent = (value: number) => `${value.toFixed(2)}%`;
const noValue = "--";

/** The fields of a container's row; Docker's names and texts. */
export function statsView(isTruncated: boolean): ListView<StatsRow> {
  const field =
    (show: (document: StatsDocument, row: StatsRow) => string, otherwise = noValue) =>
    (row: StatsRow) =>
      row.document === undefined ? otherwise : show(row.document, row);
  return {
    goType: "*container.statsContext",
    fields: {
      Container: ({ container }) => container,
      Name: field(({ name }) => (name.length > 1 ? name.slice(1) : noValue)),
      ID: field(({ id }) => (isTruncated ? shortId(id) : id), ""),
      CPUPerc: field((_, row) => percent(cpuPercent(row))),
      MemUsage: field(
        ({ memory_stats: memory }) =>
          `${binarySize(usedMemory(memory))} / ${binarySize(memory.limit ?? 0)}`,
        "-- / --",
      ),
      MemPerc: field(({ memory_stats: memory }) =>
        percent(memory.limit ? (usedMemory(memory) / memory.limit) * 100 : 0),
      ),
      NetIO: field(
        (document) =>
          `${humanSize(networkBytes(document, "rx_bytes"), 3)} / ` +
          humanSize(networkBytes(document, "tx_bytes"), 3),
      ),
      BlockIO: field(
        (document) =>
          `${humanSize(blockBytes(document, "r"), 3)} / ${humanSize(blockBytes(document, "w"), 3)}`,
      ),
      PIDs: field(({ pids_stats: { current = 0 } }) => String(current)),
    },
    headers: {
      Container: "CONTAINER",
      Name: "NAME",
      ID: "CONTAINER ID",
      CPUPerc: "CPU %",
      MemUsage: "MEM USAGE / LIMIT",
      MemPerc: "MEM %",
      NetIO: "NET I/O",
      BlockIO: "BLOCK I/O",
      PIDs: "PIDS",
    },
    columns: ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"],
  };
}
