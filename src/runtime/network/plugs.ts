// SPDX-License-Identifier: Apache-2.0

/**
 * Connecting a container's network namespace to its networks, and taking it off again.
 *
 * netavark makes bridges, rules and forwarded ports. What needs no new rule lade does by itself
 * (`links.ts`), and rules go all at once (`firewall.ts`): a container that joins a network takes
 * netavark some 50 ms of both cores, and lade 2 ms of one.
 */

import { isLadeError } from "../../base/errors.ts";
import type { RunPaths } from "../../rootfs/run-paths.ts";
import {
  abandonedBridges,
  type BridgeNetwork,
  findMadeBridge,
  forgetBridge,
  isSameNetwork,
  networkOfPlug,
  noteBridge,
} from "./bridges.ts";
import { hasNetworkRules, removeNetworkRules, removePortRules } from "./firewall.ts";
import { hostInterfaces } from "./host-state.ts";
import {
  allowHairpin,
  joinBridge,
  removeAddresses,
  removeBridgeLink,
  removeInterface,
} from "./links.ts";
import { hasNamespace, makeNamespace, namespacePath, removeNamespace } from "./namespaces.ts";
import { connectPlug, disconnectPlug, type Plug, type PlugPlace } from "./netavark.ts";
import { withNetworkLock } from "./network-lock.ts";

export interface ConnectOptions {
  /** Path of the network namespace. */
  readonly namespace: string;
  readonly plugs: readonly Plug[];
  /** The database of the store that has the networks. */
  readonly database: string;
}

/**
 * Connects a namespace to networks, in their order. Where that fails, {@link disconnectAll} is
 * still to be called.
 *
 * @throws LadeError RUNTIME_MISSING, NETWORK_FAILED
 */
export async function connectAll({ namespace, plugs, database }: ConnectOptions): Promise<void> {
  if (plugs.length === 0) return;
  await withNetworkLock(async (lock) => {
    for (const plug of plugs) {
      if ((await isMade(plug, lock)) && (await needsNoRule(plug, lock))) {
        joinBridge(namespace, plug);
      } else {
        await connectPlug({ namespace, lock }, plug);
        if (plug.ports.length > 0) allowHairpin(namespace, plug);
        noteBridge(database, networkOfPlug(plug));
      }
    }
  });
}

/** Whether a network's bridge is there. What stands in the way of a new one goes. */
async function isMade(plug: Plug, lock: number): Promise<boolean> {
  const made = findMadeBridge(plug.bridge);
  if (made !== undefined && isSameNetwork(made, networkOfPlug(plug))) return true;
  // It has another subnet than the network has now.
  if (made !== undefined) await removeWhole(made, lock);
  for (const network of abandonedBridges()) await removeWhole(network, lock);
  return false;
}

async function needsNoRule(plug: Plug, lock: number): Promise<boolean> {
  return plug.internal || (plug.ports.length === 0 && (await hasNetworkRules(plug, lock)));
}

export interface DisconnectOptions {
  readonly run: RunPaths;
  readonly containerId: string;
  readonly plugs: readonly Plug[];
  /** The namespace is about to go; else it stays, and the interface must be gone at once. */
  readonly isEnd: boolean;
}

/**
 * Takes a container off networks: its interfaces and ports go. Whatever state a crash or a reboot
 * left is fine.
 *
 * @throws LadeError RUNTIME_MISSING, NETWORK_FAILED
 */
export async function disconnectAll(options: DisconnectOptions): Promise<void> {
  const { run, containerId, plugs, isEnd } = options;
  const forwarding = plugs.filter(({ ports, internal }) => ports.length > 0 && !internal);
  if (forwarding.length > 0) {
    await withNetworkLock(async (lock) => {
      for (const plug of forwarding) {
        // Without its bridge, as after a reboot, nothing of a network is there.
        if (!hostInterfaces().includes(plug.bridge)) continue;
        if (await removePortRules(plug, lock)) continue;
        await disconnectByNetavark(run, containerId, { plug, lock });
      }
    });
  }
  if (!hasNamespace(run, containerId)) return;
  const namespace = namespacePath(run, containerId);
  for (const plug of plugs) {
    // With the namespace the interface goes, too, a little later; until then it must not answer
    // for an address that somebody else may have by now.
    if (isEnd) removeAddresses(namespace, plug);
    else removeInterface(namespace, plug.interface);
  }
}

/**
 * Takes a network off the machine: its bridge and its rules.
 *
 * @param isFree whether nobody is on it; asked when nobody can come to it any more
 * @throws LadeError NETWORK_FAILED
 */
export async function removeBridge(network: BridgeNetwork, isFree: () => boolean): Promise<void> {
  await withNetworkLock(async (lock) => {
    if (!isFree()) return;
    if (hostInterfaces().includes(network.bridge)) {
      await removeWhole(findMadeBridge(network.bridge) ?? network, lock);
    } else {
      forgetBridge(network.bridge);
    }
  });
}

async function removeWhole(network: BridgeNetwork, lock: number): Promise<void> {
  forgetBridge(network.bridge);
  // Where netavark keeps rules elsewhere than with iptables, it took them with the last container.
  if (!network.internal) await removeNetworkRules(network, lock);
  removeBridgeLink(network.bridge);
}

interface LockedPlug {
  readonly plug: Plug;
  readonly lock: number;
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
      return;
    }
  } catch (error) {
    if (!isLadeError(error, "NETWORK_FAILED")) throw error;
  }
  await redo(run, containerId, { plug, lock });
}

/**
 * Where the interface is not there any more, or only half of what belongs to it, netavark leaves
 * the rules: it takes away whole what it has just made whole.
 */
async function redo(run: RunPaths, containerId: string, { plug, lock }: LockedPlug): Promise<void> {
  const spare = `${containerId}.spare`;
  const place: PlugPlace = { namespace: makeNamespace(run, spare), lock };
  try {
    await connectPlug(place, plug);
    await disconnectPlug(place, plug);
  } finally {
    removeNamespace(run, spare);
  }
}
