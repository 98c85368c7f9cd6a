// SPDX-License-Identifier: Apache-2.0

/**
 * Connecting a container's network namespace to its networks, and taking it off again.
 *
 * netavark makes bridges and rules. What needs no rule lade does by itself (`links.ts`), and rules
 * go all at once (`firewall.ts`).
 */

import * as fs from "node:fs";
import { join } from "node:path";
import { isLadeError } from "../../base/errors.ts";
import type { RunPaths } from "../../rootfs/run-paths.ts";
import { keepNetworksApart, removeRules } from "./firewall.ts";
import { hostInterfaces } from "./host-state.ts";
import { joinBridge, removeBridgeLink, removeInterface } from "./links.ts";
import { hasNamespace, makeNamespace, namespacePath, removeNamespace } from "./namespaces.ts";
import { connectPlug, disconnectPlug, type Plug, type PlugPlace } from "./netavark.ts";
import { withNetworkLock } from "./network-lock.ts";

export interface ConnectOptions {
  readonly run: RunPaths;
  readonly namespace: string;
  readonly plugs: readonly Plug[];
}

/**
 * Connects a namespace to networks, in their order; all of them or none.
 *
 * @throws LadeError RUNTIME_MISSING, NETWORK_FAILED
 */
export async function connectAll({ run, namespace, plugs }: ConnectOptions): Promise<void> {
  if (plugs.length === 0) return;
  await withNetworkLock(async (lock) => {
    for (const plug of plugs) {
      if (plug.ports.length === 0 && isMade(run, plug)) {
        joinBridge(namespace, plug);
      } else {
        await connectPlug({ namespace, lock }, plug);
        markMade(run, plug);
      }
    }
  });
}

/** Says that netavark came to its end with a network: its bridge and all its rules are there. */
function markMade(run: RunPaths, plug: Plug): void {
  fs.mkdirSync(join(run.root, "networks"), { recursive: true, mode: 0o700 });
  fs.writeFileSync(madeMark(run, plug), "");
}

function isMade(run: RunPaths, plug: Plug): boolean {
  return fs.existsSync(madeMark(run, plug)) && hostInterfaces().includes(plug.bridge);
}

function madeMark(run: RunPaths, plug: Plug): string {
  return join(run.root, "networks", plug.networkId);
}

export interface DisconnectOptions {
  readonly run: RunPaths;
  readonly containerId: string;
  readonly plugs: readonly Plug[];
  /** Whether others are on the network; it goes when they are not. Asked under the lock. */
  readonly isShared: (networkId: string) => boolean;
}

/**
 * Takes a container off networks: its interfaces and ports go, and bridges that nobody uses any
 * more. Whatever state a crash or a reboot left is fine.
 *
 * @throws LadeError RUNTIME_MISSING, NETWORK_FAILED
 */
export async function disconnectAll(options: DisconnectOptions): Promise<void> {
  const { run, containerId, plugs, isShared } = options;
  if (plugs.length === 0) return;
  await withNetworkLock(async (lock) => {
    for (const plug of plugs.toReversed()) {
      const scope = { plug, isWhole: !isShared(plug.networkId), lock };
      // Without its bridge, as after a reboot, nothing of a network is there.
      if (!hostInterfaces().includes(plug.bridge)) continue;
      if (scope.isWhole) fs.rmSync(madeMark(run, plug), { force: true });
      if (!hasRules(scope) || (await removeRules(scope))) {
        removeLinks(run, containerId, scope);
      } else {
        await disconnectByNetavark(run, containerId, scope);
      }
    }
  });
}

interface LockedPlug {
  readonly plug: Plug;
  readonly isWhole: boolean;
  readonly lock: number;
}

function hasRules({ plug, isWhole }: LockedPlug): boolean {
  return !plug.internal && (isWhole || plug.ports.length > 0);
}

function removeLinks(run: RunPaths, containerId: string, { plug, isWhole }: LockedPlug): void {
  if (hasNamespace(run, containerId)) {
    removeInterface(namespacePath(run, containerId), plug.interface);
  }
  if (isWhole) removeBridgeLink(plug.bridge);
}

async function disconnectByNetavark(
  run: RunPaths,
  containerId: string,
  { plug, lock }: LockedPlug,
): Promise<void> {
  const place: PlugPlace = { namespace: namespacePath(run, containerId), lock };
  try {
    if (hasNamespace(run, containerId)) {
      await disconnectPlug(place, plug);
    } else {
      await redo(run, containerId, { plug, lock });
    }
  } catch (error) {
    if (!isLadeError(error, "NETWORK_FAILED")) throw error;
    await redo(run, containerId, { plug, lock });
  }
  await keepNetworksApart(lock);
}

/**
 * Where the interface is not there any more, or only half of what belongs to it, netavark leaves
 * the rules: it takes away whole what it has just made whole.
 */
async function redo(
  run: RunPaths,
  containerId: string,
  { plug, lock }: Omit<LockedPlug, "isWhole">,
): Promise<void> {
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
  if (plug === undefined) return;
  const plugs = [plug];
  await disconnectAll({ run, containerId: plug.networkId, plugs, isShared: () => false });
}
