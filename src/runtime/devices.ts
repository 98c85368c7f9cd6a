// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError, LadeError } from "../base/errors.ts";
import type { HostConfig, ThrottleDevice } from "../spec/container.ts";
import { goQuote } from "../spec/go-quote.ts";
import { statusOfPath } from "../sys/status.ts";
import type { HostDevices } from "./spec/input.ts";
import type { OciDevice, OciDeviceRule, OciThrottleDevice } from "./spec/oci-spec.ts";

/**
 * Looks up a container's devices on the host.
 *
 * @throws LadeError CONTAINER_INVALID in Docker's words
 */
export function readDevices(host: HostConfig): HostDevices {
  const isPrivileged = host.Privileged === true;
  const asked = (host.Devices ?? [])
    .filter(({ PathOnHost: from, PathInContainer: to }) => !isPrivileged || from !== to)
    .map((mapping) => ({
      devices: devicesAt(mapping.PathOnHost, mapping.PathInContainer || mapping.PathOnHost),
      access: mapping.CgroupPermissions || "rwm",
    }));
  return {
    devices: [
      ...(isPrivileged ? allDevices("/dev") : []),
      ...asked.flatMap(({ devices }) => devices),
    ],
    rules: isPrivileged
      ? []
      : [
          ...asked.flatMap(({ devices, access }) =>
            devices.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access })),
          ),
          ...(host.DeviceCgroupRules ?? []).map(parseDeviceRule),
        ],
    weights: (host.BlkioWeightDevice ?? []).map(({ Path: path, Weight: weight }) => ({
      ...numbersOf(path),
      weight,
    })),
    readBps: throttled(host.BlkioDeviceReadBps),
    writeBps: throttled(host.BlkioDeviceWriteBps),
    readIops: throttled(host.BlkioDeviceReadIOps),
    writeIops: throttled(host.BlkioDeviceWriteIOps),
  };
}

function throttled(
  devices: readonly ThrottleDevice[] | null | undefined,
): readonly OciThrottleDevice[] {
  return (devices ?? []).map(({ Path: path, Rate: rate }) => ({ ...numbersOf(path), rate }));
}

function numbersOf(path: string): { major: number; minor: number } {
  try {
    const status = statusOfPath(fs.realpathSync(path));
    return { major: status.deviceMajor, minor: status.deviceMinor };
  } catch (error) {
    throw new LadeError("CONTAINER_INVALID", `stat ${path}: ${reason(error)}`, { cause: error });
  }
}

/** A device, or all devices in a folder. */
function devicesAt(path: string, target: string): readonly OciDevice[] {
  try {
    const real = fs.realpathSync(path);
    if (!fs.statSync(real).isDirectory()) return [readDevice(real, target)];
    const found = devicesBelow(real, target);
    if (found.length > 0) return found;
    throw new NoDevice();
  } catch (error) {
    throw new LadeError(
      "CONTAINER_INVALID",
      `error gathering device information while adding custom device ${goQuote(path)}: ${reason(error)}`,
      { cause: error },
    );
  }
}

class NoDevice extends Error {
  constructor() {
    super("not a device node");
  }
}

function reason(error: unknown): string {
  if (error instanceof NoDevice) return error.message;
  if (isSystemError(error, "ENOENT")) return "no such file or directory";
  if (isSystemError(error, "EACCES")) return "permission denied";
  if (isSystemError(error, "ENOTDIR")) return "not a directory";
  throw error;
}

function devicesBelow(folder: string, target: string): readonly OciDevice[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const [path, name] = [join(folder, entry.name), join(target, entry.name)];
    return entry.isDirectory() ? devicesBelow(path, name) : deviceOrNothing(path, name);
  });
}

function deviceOrNothing(path: string, target: string): readonly OciDevice[] {
  try {
    return [readDevice(path, target)];
  } catch (error) {
    if (error instanceof NoDevice || isSystemError(error, "ENOENT")) return [];
    throw error;
  }
}

const deviceTypes: Readonly<Record<string, OciDevice["type"]>> = {
  character: "c",
  block: "b",
  fifo: "p",
};

function readDevice(path: string, target: string): OciDevice {
  const status = statusOfPath(path);
  const type = deviceTypes[status.type];
  if (type === undefined) throw new NoDevice();
  return {
    path: target,
    type,
    major: status.deviceMajor,
    minor: status.deviceMinor,
    fileMode: status.mode,
    uid: status.uid,
    gid: status.gid,
  };
}

// What is mounted there is the container's own, or no device.
const skippedFolders = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"]);

/** What `--privileged` sees: all of the host's devices but its console. */
function allDevices(folder: string): readonly OciDevice[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skippedFolders.has(entry.name) ? [] : allDevices(path);
    if (entry.name === "console") return [];
    return deviceOrNothing(path, path).filter(({ type }) => type !== "p");
  });
}

const deviceRule = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/;

/**
 * Parses one `--device-cgroup-rule`.
 *
 * @throws LadeError CONTAINER_INVALID
 */
export function parseDeviceRule(text: string): OciDeviceRule {
  const [, type, major, minor, access] = deviceRule.exec(text) ?? [];
  if (type === undefined || access === undefined) {
    throw new LadeError("CONTAINER_INVALID", `invalid device cgroup rule format: '${text}'`);
  }
  return { allow: true, type, major: ruleNumber(major), minor: ruleNumber(minor), access };
}

function ruleNumber(text: string | undefined): number {
  return text === undefined || text === "*" ? -1 : Number(text);
}
