// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../../base/errors.ts";
import type { Resources, Ulimit } from "../../spec/container.ts";
import type { HostDevices } from "./input.ts";
import type { OciDeviceRule, OciResources, OciRlimit } from "./oci-spec.ts";

/** Microseconds. */
const nanoCpusPeriod = 100_000;

/**
 * Limits as the runtime's document has them (daemon/daemon_unix.go of moby).
 *
 * @param rules undefined for `update`, which leaves devices alone
 */
export function buildResources(
  resources: Resources,
  devices: Omit<HostDevices, "devices" | "rules"> | undefined,
  rules: readonly OciDeviceRule[] | undefined,
): OciResources {
  const memory = memoryResources(resources);
  const cpu = cpuResources(resources);
  const blockIO = blockResources(resources, devices);
  const pids = pidsResources(resources);
  return {
    ...(rules !== undefined && { devices: rules }),
    ...(memory !== undefined && { memory }),
    ...(cpu !== undefined && { cpu }),
    ...(pids !== undefined && { pids }),
    ...(blockIO !== undefined && { blockIO }),
  };
}

function memoryResources(resources: Resources): OciResources["memory"] {
  const { Memory: limit = 0, MemoryReservation: reservation = 0 } = resources;
  const { MemorySwap: swap = 0, MemorySwappiness: swappiness } = resources;
  const { OomKillDisable: disableOOMKiller } = resources;
  return orNothing({
    ...(limit > 0 && { limit }),
    ...(reservation > 0 && { reservation }),
    // -1 is no limit of swap, which the runtime has to be told where there is one of memory.
    ...((swap > 0 || (swap === -1 && limit > 0)) && { swap }),
    ...(swappiness !== undefined && swappiness !== null && swappiness >= 0 && { swappiness }),
    ...(disableOOMKiller === true && { disableOOMKiller }),
  });
}

function cpuResources(resources: Resources): OciResources["cpu"] {
  const { CpuShares: shares, NanoCpus: nanos = 0, CpuPeriod: period, CpuQuota: quota } = resources;
  const { CpuRealtimePeriod: realtimePeriod, CpuRealtimeRuntime: realtimeRuntime } = resources;
  const { CpusetCpus: cpus, CpusetMems: mems } = resources;
  return orNothing({
    ...(shares && { shares }),
    ...(nanos > 0 && {
      period: nanoCpusPeriod,
      quota: Math.floor((nanos * nanoCpusPeriod) / 1e9),
    }),
    ...(period && { period }),
    ...(quota && { quota }),
    ...(realtimePeriod && { realtimePeriod }),
    ...(realtimeRuntime && { realtimeRuntime }),
    ...(cpus && { cpus }),
    ...(mems && { mems }),
  });
}

function blockResources(
  resources: Resources,
  devices: Omit<HostDevices, "devices" | "rules"> | undefined,
): OciResources["blockIO"] {
  const { BlkioWeight: weight } = resources;
  return orNothing({
    ...(weight && { weight }),
    ...list("weightDevice", devices?.weights),
    ...list("throttleReadBpsDevice", devices?.readBps),
    ...list("throttleWriteBpsDevice", devices?.writeBps),
    ...list("throttleReadIOPSDevice", devices?.readIops),
    ...list("throttleWriteIOPSDevice", devices?.writeIops),
  });
}

function list<Name extends string, Item>(
  name: Name,
  items: readonly Item[] | undefined,
): Partial<Record<Name, readonly Item[]>> {
  if (items === undefined || items.length === 0) return {};
  return { [name]: items } as Partial<Record<Name, readonly Item[]>>;
}

function pidsResources({ PidsLimit: limit }: Resources): OciResources["pids"] {
  if (limit === undefined || limit === null) return undefined;
  // 0 and less undo a limit; the runtime knows -1 for that.
  return { limit: limit <= 0 ? -1 : limit };
}

function orNothing<Value extends object>(value: Value): Value | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}

const ulimitNames = new Set(
  (
    "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending " +
    "stack"
  ).split(" "),
);
/** RLIM_INFINITY, which no JavaScript number holds. */
const unlimited = 2n ** 64n - 1n;

/** @throws LadeError CONTAINER_INVALID in Docker's words (github.com/docker/go-units) */
export function buildRlimits(ulimits: readonly Ulimit[]): readonly OciRlimit[] {
  return ulimits.map(({ Name: name, Soft: soft, Hard: hard }) => {
    if (!ulimitNames.has(name)) {
      throw new LadeError("CONTAINER_INVALID", `invalid ulimit type: ${name}`);
    }
    if (hard !== -1 && (soft > hard || soft === -1)) {
      throw new LadeError(
        "CONTAINER_INVALID",
        `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`,
      );
    }
    return {
      type: `RLIMIT_${name.toUpperCase()}`,
      soft: soft < 0 ? unlimited : soft,
      hard: hard < 0 ? unlimited : hard,
    };
  });
}

// Those of the IPC namespace.
const ipcSysctls = new Set(
  [...["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni"], "shm_rmid_forced"].map(
    (name) => `kernel.${name}`,
  ),
);

/**
 * Refuses sysctls that would change the machine, not the container (docker/cli, opts/opts.go;
 * moby, daemon/internal/runconfig).
 *
 * @throws LadeError CONTAINER_INVALID
 */
export function checkSysctls(
  sysctls: Readonly<Record<string, string>>,
  shared: { readonly isHostNetwork: boolean; readonly isHostIpc: boolean },
): void {
  for (const name of Object.keys(sysctls)) {
    const isIpc = ipcSysctls.has(name) || name.startsWith("fs.mqueue.");
    const isNetwork = name.startsWith("net.");
    if (!isIpc && !isNetwork) {
      throw new LadeError("CONTAINER_INVALID", `sysctl '${name}' is not allowed`);
    }
    if (isNetwork && shared.isHostNetwork) throw notInHost(name, "network");
    if (isIpc && shared.isHostIpc) throw notInHost(name, "ipc");
  }
}

function notInHost(name: string, namespace: string): LadeError {
  return new LadeError(
    "CONTAINER_INVALID",
    `sysctl '${name}' not allowed in host ${namespace} namespace`,
  );
}
