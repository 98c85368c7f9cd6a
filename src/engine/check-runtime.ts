// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import { readMachine } from "../runtime/machine.ts";
import { normalizeCapabilities } from "../runtime/spec/capabilities.ts";
import { buildRlimits, checkSysctls } from "../runtime/spec/resources.ts";
import { readSecurityOptions } from "../runtime/spec/security-options.ts";
import { namedRuntime } from "../runtime/tools.ts";
import type { HostConfig } from "../spec/container.ts";
import { containerInvalid } from "./container-errors.ts";

/** Whether a container asks for anything that {@link checkRuntimeSettings} checks. */
export function hasRuntimeSettings(host: HostConfig): boolean {
  const lists = [host.CapAdd, host.CapDrop, host.SecurityOpt, host.Ulimits];
  return (
    lists.some((list) => (list ?? []).length > 0) ||
    Object.keys(host.Sysctls ?? {}).length > 0 ||
    (host.Runtime ?? "") !== ""
  );
}

/**
 * Checks when a container is made what would otherwise show only when it starts.
 *
 * @throws LadeError CONTAINER_INVALID, UNSUPPORTED, RUNTIME_MISSING
 */
export function checkRuntimeSettings(host: HostConfig): void {
  const machine = readMachine();
  checkCapabilities("CapAdd", host.CapAdd ?? [], machine.capabilities);
  checkCapabilities("CapDrop", host.CapDrop ?? [], machine.capabilities);
  readSecurityOptions(host.SecurityOpt ?? [], machine);
  if (host.Runtime) namedRuntime(host.Runtime);
  checkSysctls(host.Sysctls ?? {}, {
    isHostNetwork: host.NetworkMode === "host",
    isHostIpc: host.IpcMode === "host",
  });
  buildRlimits(host.Ulimits ?? []);
}

function checkCapabilities(
  name: string,
  wanted: readonly string[],
  available: readonly string[],
): void {
  try {
    normalizeCapabilities(wanted, available);
  } catch (error) {
    if (!isLadeError(error)) throw error;
    throw containerInvalid(`invalid ${name}: ${error.message}`, error.hint);
  }
}
