// SPDX-License-Identifier: Apache-2.0

import type { ContainerMount } from "../content/containers.ts";
import type { MountPoint } from "../spec/container.ts";

/** A mount without what only `start` has to know. */
export function mountDocument(mount: ContainerMount): MountPoint {
  const { Type, Name, Source, Destination, Driver, Mode, RW, Propagation } = mount;
  return {
    Type,
    ...(Name !== undefined && { Name }),
    Source,
    Destination,
    ...(Driver !== undefined && { Driver }),
    Mode,
    RW,
    Propagation,
  };
}
