// SPDX-License-Identifier: Apache-2.0

import { posix } from "node:path";
import type { ContainerMount } from "../content/containers.ts";
import { volumeDataFolder } from "../content/paths.ts";
import type { Store } from "../content/store.ts";
import type { ContainerConfig, HostConfig } from "../spec/container.ts";
import { cleanPath } from "./clean-path.ts";
import { containerInvalid } from "./container-errors.ts";
import { findContainer } from "./find-container.ts";
import { parseBind, parseMount, parseVolumesFrom, type WantedMount } from "./mount-specs.ts";
import { randomId } from "./random.ts";
import { checkVolumeDriver, checkVolumeName } from "./volume-checks.ts";

/**
 * All mounts of a new container, in Docker's order of precedence: of other containers, `-v`,
 * `--mount`, and last anonymous volumes where the image or the user wants one and nothing is yet.
 *
 * Source: `registerMountPoints` and `createContainerVolumesOS` of moby.
 *
 * @throws LadeError CONTAINER_INVALID, CONTAINER_NOT_FOUND for `--volumes-from`
 */
export function wantedMounts(
  store: Store,
  config: ContainerConfig,
  host: HostConfig,
): readonly WantedMount[] {
  const mounts = new Map<string, WantedMount>();
  for (const spec of host.VolumesFrom ?? []) {
    for (const mount of mountsOfOther(store, spec)) mounts.set(mount.mount.Destination, mount);
  }
  const given = new Set(Object.keys(host.Tmpfs ?? {}).map(cleanPath));
  const wanted = [
    ...(host.Binds ?? []).map((spec) => parseBind(spec, host.VolumeDriver ?? "")),
    ...(host.Mounts ?? []).map(parseMount),
  ];
  for (const one of wanted) {
    const { Destination: destination } = one.mount;
    if (given.has(destination)) throw containerInvalid(`Duplicate mount point: ${destination}`);
    given.add(destination);
    mounts.set(destination, settleVolume(store, one));
  }
  for (const path of Object.keys(config.Volumes ?? {})) {
    // An image may say what it likes, also `/../../etc`; it stays inside.
    const target = posix.resolve("/", path);
    if (mounts.has(target) || given.has(target)) continue;
    const volume = parseMount({ Type: "volume", Target: target });
    mounts.set(target, settleVolume(store, volume));
  }
  return [...mounts.values()];
}

function mountsOfOther(store: Store, spec: string): WantedMount[] {
  const { container, isReadOnly } = parseVolumesFrom(spec);
  return findContainer(store, container).definition.mounts.map((mount) => ({
    mount: { ...mount, RW: mount.RW && !isReadOnly },
    copiesImage: false,
  }));
}

/** Gives a volume its name and place. */
function settleVolume(store: Store, wanted: WantedMount): WantedMount {
  const { mount } = wanted;
  if (mount.Type !== "volume") return wanted;
  const name = mount.Name ?? randomId();
  checkVolumeName(name);
  checkVolumeDriver(mount.Driver ?? "local");
  const settled: ContainerMount = {
    ...mount,
    Name: name,
    Source: volumeDataFolder(store.paths, name),
    // Docker's mark of a volume that several containers may write.
    Mode: mount.Mode || (mount.isAnonymous === true ? "" : "z"),
  };
  return { ...wanted, mount: settled };
}
