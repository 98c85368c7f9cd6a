// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { cgroupMode } from "../runtime/cgroup.ts";
import type { HostConfig } from "../spec/container.ts";
import { containerInvalid } from "./container-errors.ts";

const defaultShmSize = 64 * 1024 * 1024;

/**
 * Fills in what the user left open.
 *
 * Source: `adaptContainerSettings` and `createContainerOSSpecificSettings` of moby.
 *
 * @throws LadeError CONTAINER_INVALID, UNSUPPORTED for a log driver that lade does not have
 */
export function withHostDefaults(host: HostConfig): HostConfig {
  const { Memory: memory = 0, MemorySwap: swap = 0 } = host;
  return {
    ...host,
    NetworkMode: host.NetworkMode || "default",
    RestartPolicy: {
      Name: host.RestartPolicy?.Name || "no",
      MaximumRetryCount: host.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    LogConfig: logConfig(host),
    ...(memory > 0 && swap === 0 && { MemorySwap: memory * 2 }),
    ...(host.MemorySwappiness === -1 && { MemorySwappiness: null }),
    ShmSize: host.ShmSize || defaultShmSize,
    IpcMode: host.IpcMode || "private",
    CgroupnsMode: host.CgroupnsMode || defaultCgroupNamespace(host.Privileged === true),
    OomKillDisable: host.OomKillDisable ?? false,
  };
}

function defaultCgroupNamespace(isPrivileged: boolean): string {
  if (cgroupMode() !== "unified") return "host";
  return isPrivileged ? "host" : "private";
}

/** Docker's name for the default; the file itself is in the monitor's own format. */
const fileDrivers = new Set(["json-file", "local"]);

function logConfig(host: HostConfig): Required<NonNullable<HostConfig["LogConfig"]>> {
  const { Type: type = "", Config: options = {} } = host.LogConfig ?? {};
  const driver = type || "json-file";
  if (driver !== "none" && !fileDrivers.has(driver)) {
    throw new LadeError("UNSUPPORTED", `log driver "${driver}" is not supported`, {
      hint: "Use json-file, local or none.",
    });
  }
  for (const [name, value] of Object.entries(options)) {
    if (driver === "none" || !["max-size", "max-file"].includes(name)) {
      throw containerInvalid(`unknown log opt '${name}' for ${driver} log driver`);
    }
    if (name === "max-file" && value !== "1") {
      throw new LadeError("UNSUPPORTED", `log opt 'max-file=${value}' is not supported`, {
        hint: "One log file is kept: give max-size alone.",
      });
    }
    if (name === "max-size" && parseLogSize(value) === undefined) {
      throw containerInvalid(`invalid size: '${value}'`);
    }
  }
  return { Type: driver, Config: options };
}

const sizeUnits: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};

/**
 * The bytes of `max-size=10m`.
 *
 * @returns undefined for what is no size; -1, which means no limit, is one
 */
export function parseLogSize(text: string): number | undefined {
  if (text === "-1") return -1;
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?) ?([kmg]?)(?:i?b)?$/i.exec(text) ?? [];
  const factor = sizeUnits[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) return undefined;
  const size = Math.trunc(Number(digits) * factor);
  return size > 0 ? size : undefined;
}
