// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { type ContainerRow, isRunning, setContainerDefinition } from "../content/containers.ts";
import { readDevices } from "../runtime/devices.ts";
import { updateProcess } from "../runtime/process.ts";
import { buildResources } from "../runtime/spec/resources.ts";
import type { HostConfig, Resources, RestartPolicy } from "../spec/container.ts";
import { checkRestartPolicy } from "./check-container.ts";
import { noteContainer } from "./container-events.ts";
import { changeContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { checkResources } from "./resource-checks.ts";

/** What `update` may change; what is missing or Go's zero value stays as it is. */
export interface UpdateOptions extends Resources {
  readonly RestartPolicy?: RestartPolicy;
}

/**
 * Changes a container's limits, also while it runs, and its restart policy.
 *
 * @throws LadeError CONTAINER_NOT_FOUND, CONTAINER_INVALID, CONTAINER_CONFLICT for limits that
 *   don't go with those it has, UNSUPPORTED for ones that this kernel lacks, RUNTIME_FAILED
 */
export async function updateContainer(
  engine: Engine,
  nameOrId: string,
  options: UpdateOptions,
): Promise<{ readonly warnings: readonly string[] }> {
  const { warnings, changes } = checkResources(options, { isUpdate: true });
  checkRestartPolicy(options.RestartPolicy ?? {});
  const wanted = { ...options, ...changes };
  const { database } = engine.store;
  await changeContainer(engine, nameOrId, async (row) => {
    const hostConfig = merge(row, wanted);
    const definition = { ...row.definition, hostConfig };
    if (isRunning(row.state) && row.state.status !== "restarting") {
      const resources = buildResources(wanted, readDevices(wanted), undefined);
      if (Object.keys(resources).length > 0) {
        await updateProcess(engine.run, row.id, resources);
      }
    }
    database.transaction(() => {
      setContainerDefinition(database, row.id, definition);
      noteContainer(database, row, "update");
    });
  });
  return { warnings };
}

const plainLimits = [
  ...["BlkioWeight", "CpuShares", "NanoCpus", "CpuPeriod", "CpuQuota", "CpusetCpus", "CpusetMems"],
  ...["Memory", "MemorySwap", "MemoryReservation", "CpuRealtimePeriod", "CpuRealtimeRuntime"],
] as const;

const optionalLimits = [
  ...["BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps"],
  ...["BlkioDeviceWriteIOps", "PidsLimit"],
] as const;

/**
 * The host config with what is to change.
 *
 * Source: `UpdateContainer` of moby (daemon/container/container_unix.go).
 */
function merge(row: ContainerRow, wanted: UpdateOptions): HostConfig {
  const { hostConfig } = row.definition;
  const fault = findConflict(hostConfig, wanted);
  if (fault !== undefined) {
    throw new LadeError("CONTAINER_CONFLICT", `Cannot update container ${row.id}: ${fault}`);
  }
  const changed: Record<string, unknown> = { ...hostConfig };
  const given: Readonly<Record<string, unknown>> = { ...wanted };
  for (const name of plainLimits) if (given[name]) changed[name] = given[name];
  for (const name of optionalLimits) {
    if (given[name] !== undefined && given[name] !== null) changed[name] = given[name];
  }
  if (wanted.RestartPolicy?.Name) {
    const { Name, MaximumRetryCount = 0 } = wanted.RestartPolicy;
    changed.RestartPolicy = { Name, MaximumRetryCount };
  }
  return changed as HostConfig;
}

function findConflict(has: HostConfig, wanted: UpdateOptions): string | undefined {
  const isSet = (value: number | undefined) => (value ?? 0) > 0;
  const conflict = (what: string, other: string) =>
    `Conflicting options: ${what} cannot be updated as ${other} has already been set`;
  if (isSet(wanted.NanoCpus) && isSet(has.CpuPeriod)) return conflict("Nano CPUs", "CPU Period");
  if (isSet(wanted.NanoCpus) && isSet(has.CpuQuota)) return conflict("Nano CPUs", "CPU Quota");
  if (isSet(wanted.CpuPeriod) && isSet(has.NanoCpus)) return conflict("CPU Period", "NanoCPUs");
  if (isSet(wanted.CpuQuota) && isSet(has.NanoCpus)) return conflict("CPU Quota", "NanoCPUs");
  const { Memory: memory = 0, MemorySwap: swap = 0 } = wanted;
  if (memory !== 0 && memory > (has.MemorySwap ?? 0) && swap === 0 && has.MemorySwap !== -1) {
    return "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time";
  }
  const policy = wanted.RestartPolicy?.Name ?? "";
  if (policy !== "" && policy !== "no" && has.AutoRemove === true) {
    return "Restart policy cannot be updated because AutoRemove is enabled for the container";
  }
  return undefined;
}
