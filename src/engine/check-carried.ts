// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import type { EndpointSettings, HostConfig, Mount, NetworkingConfig } from "../spec/container.ts";
import { containerInvalid } from "./container-errors.ts";

/**
 * Refuses, by its name, what Docker's API has and lade does not carry out, rather than to make a
 * container that lacks it.
 *
 * @throws LadeError UNSUPPORTED; CONTAINER_INVALID for what Docker refuses on Linux
 */
export function checkCarried(host: HostConfig, networking: NetworkingConfig): void {
  if ((host.IOMaximumBandwidth ?? 0) !== 0) {
    throw containerInvalid(
      "invalid option: QoS maximum bandwidth configuration is not supported on linux",
    );
  }
  if ((host.IOMaximumIOps ?? 0) !== 0) {
    throw containerInvalid(
      "invalid option: QoS maximum IOPs configuration is not supported on linux",
    );
  }
  if ((host.DeviceRequests ?? []).length > 0) {
    throw unsupported("HostConfig.DeviceRequests", "Give devices by their paths, with Devices.");
  }
  if ((host.KernelMemoryTCP ?? 0) !== 0) throw unsupported("HostConfig.KernelMemoryTCP");
  if ((host.Cgroup ?? "") !== "") {
    throw unsupported("HostConfig.Cgroup", "Give the parent's path, with CgroupParent.");
  }
  for (const mount of host.Mounts ?? []) checkMount(mount);
  for (const settings of Object.values(networking.EndpointsConfig ?? {})) {
    checkCarriedEndpoint(settings ?? {});
  }
}

function checkMount(mount: Mount): void {
  const type: string = mount.Type;
  if (["image", "cluster", "npipe"].includes(type)) throw unsupported(`mount type ${type}`);
  if (mount.BindOptions?.ReadOnlyForceRecursive === true) {
    throw unsupported("BindOptions.ReadOnlyForceRecursive");
  }
  if (mount.ImageOptions !== undefined) {
    throw containerInvalid(
      `invalid mount config for type "${type}": field ImageOptions must not be specified`,
    );
  }
  if ((mount.TmpfsOptions?.Options ?? []).length > 0) {
    throw unsupported("TmpfsOptions.Options", "Give them with HostConfig.Tmpfs.");
  }
}

/** @throws LadeError UNSUPPORTED */
export function checkCarriedEndpoint({ GwPriority: priority = 0 }: EndpointSettings): void {
  if (priority !== 0) throw unsupported("EndpointSettings.GwPriority");
}

function unsupported(what: string, hint = "Leave it out."): LadeError {
  return new LadeError("UNSUPPORTED", `${what} is not supported`, { hint });
}
