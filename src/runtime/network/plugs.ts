// SPDX-License-Identifier: Apache-2.0

/** Connecting a container's network namespace to its networks, and taking it off again. */

import { isLadeError } from "../../base/errors.ts";
import type { RunPaths } from "../../rootfs/run-paths.ts";
import { keepNetworksApart } from "./firewall.ts";
import { hostInterfaces } from "./host-state.ts";
import { hasNamespace, makeNamespace, namespacePath, removeNamespace } from "./namespaces.ts";
import { connectPlug, disconnectPlug, type Plug, type PlugPlace } from "./netavark.ts";
import { withNetworkLock } from "./network-lock.ts";

/**
 * Connects a namespace to networks, in their order; all of them or none.
 *
 * @throws LadeError RUNTIME_MISSING, NETWORK_FAILED
 */
export async function connectAll(namespace: string, plugs: readonly Plug[]): Promise<void> {
  if (plugs.length === 0) return;
  await withNetworkLock(async (lock) => {
    const done: Plug[] = [];
    for (const plug of plugs) {
      try {
        await connectPlug({ namespace, lock }, plug);
        done.push(plug);
      } catch (error) {
        // The one that failed may have left a part of itself, too.
        for (const made of [plug, ...done.reverse()]) {
          await disconnectPlug({ namespace, lock }, made).catch(() => {});
        }
        throw error;
      }
    }
  });
}

/**
 * Takes a container off networks: its interfaces and ports go, and bridges that nobody uses any
 * more. Whatever state a crash or a reboot left is fine.
 *
 * @throws LadeError RUNTIME_MISSING, NETWORK_FAILED
 */
export async function disconnectAll(
  run: RunPaths,
  containerId: string,
  plugs: readonly Plug[],
): Promise<void> {
  if (plugs.length === 0) return;
  await withNetworkLock(async (lock) => {
    const bridges = hostInterfaces();
    // Without its bridge, as after a reboot, nothing of a network is there.
    const left = plugs.filter((plug) => bridges.includes(plug.bridge));
    for (const plug of left.toReversed()) await disconnectOne(run, containerId, { lock, plug });
    if (hostInterfaces().length < bridges.length) await keepNetworksApart(lock);
  });
}

interface LockedPlug {
  readonly lock: number;
  readonly plug: Plug;
}

async function disconnectOne(
  run: RunPaths,
  containerId: string,
  { lock, plug }: LockedPlug,
): Promise<void> {
  const place: PlugPlace = { namespace: namespacePath(run, containerId), lock };
  if (hasNamespace(run, containerId)) {
    try {
      await disconnectPlug(place, plug);
      return;
    } catch (error) {
      if (!isLadeError(error, "NETWORK_FAILED")) throw error;
    }
  }
  await redo(run, containerId, { lock, plug });
}

/**
 * Where the interface is not there any more, or only half of what belongs to it, netavark leaves
 * the rules: it takes away whole what it has just made whole.
 */
async function redo(run: RunPaths, containerId: string, { lock, plug }: LockedPlug): Promise<void> {
  const spare = `${containerId}.spare`;
  const place: PlugPlace = { namespace: makeNamespace(run, spare), lock };
  try {
    await connectPlug(place, plug);
    await disconnectPlug(place, plug);
  } finally {
    removeNamespace(run, spare);
  }
}

/**
 * Takes away a bridge on which nobody is, where it is still there.
 *
 * @param plug undefined for a network without a bridge
 * @throws LadeError RUNTIME_MISSING, NETWORK_FAILED
 */
export async function removeBridge(run: RunPaths, plug: Plug | undefined): Promise<void> {
  if (plug === undefined || !hostInterfaces().includes(plug.bridge)) return;
  await withNetworkLock(async (lock) => {
    await redo(run, plug.networkId, { lock, plug });
    await keepNetworksApart(lock);
  });
}
