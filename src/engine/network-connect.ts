// SPDX-License-Identifier: Apache-2.0

/** Taking containers to networks and off them, also while they run. */

import { LadeError } from "../base/errors.ts";
import { type ContainerRow, isRunning, setContainerState } from "../content/containers.ts";
import {
  deleteEndpoint,
  type EndpointRow,
  endpointsOfContainer,
  type LiveEndpoint,
  putEndpoint,
} from "../content/endpoints.ts";
import { type NetworkRow, networkById } from "../content/networks.ts";

import { namespacePath } from "../runtime/network/namespaces.ts";
import type { Plug } from "../runtime/network/netavark.ts";
import { connectAll, disconnectAll } from "../runtime/network/plugs.ts";
import { closeAll, type HeldPorts, portMapOf } from "../runtime/network/ports.ts";
import type { EndpointSettings } from "../spec/container.ts";
import { checkCarriedEndpoint } from "./check-carried.ts";
import { changeContainer } from "./current.ts";
import type { Engine } from "./engine.ts";
import { takeOne } from "./network-addresses.ts";
import { checkEndpoint, checkTogether } from "./network-endpoints.ts";
import { noteNetwork } from "./network-events.ts";
import { findNetwork } from "./network-find.ts";
import { parseNetworkMode } from "./network-mode.ts";
import { updateNetworkNames } from "./network-names.ts";
import { plugOf } from "./network-plug.ts";
import {
  holdPortsOf,
  isOpenBridge,
  type NetworkedEndpoint,
  noPorts,
  withPorts,
} from "./network-setup.ts";
import { claimSubnet } from "./network-subnets.ts";

/**
 * Connects a container to one more network, at once where it runs.
 *
 * @throws LadeError NETWORK_NOT_FOUND, CONTAINER_NOT_FOUND, CONTAINER_INVALID, NETWORK_IN_USE,
 *   NETWORK_FAILED, PORT_TAKEN
 */
export async function connectNetwork(
  engine: Engine,
  networkName: string,
  containerName: string,
  settings: EndpointSettings = {},
): Promise<void> {
  const network = findNetwork(engine.store, networkName);
  await changeContainer(engine, containerName, async (row) => {
    const { database } = engine.store;
    const { kind } = parseNetworkMode(row.definition.hostConfig.NetworkMode);
    if (kind === "container") throw invalid(sharedText);
    if (network.definition.driver === "host" && kind !== "host") {
      throw invalid(
        "cannot connect container to host network - container must be created in host network mode",
      );
    }
    checkCarriedEndpoint(settings);
    checkEndpoint(network, settings);
    const endpoints = endpointsOfContainer(database, row.id);
    const isUp = isRunning(row.state);
    checkOthers(engine, row, { endpoints, network, isUp });
    const position = 1 + Math.max(-1, ...endpoints.map(({ details }) => details.position));
    const endpoint: EndpointRow = {
      container: row.id,
      network: network.id,
      ipv4: "",
      ipv6: "",
      details: { asked: settings, position },
    };
    if (isUp) {
      await connectRunning(engine, row, { endpoint, network });
      return;
    }
    database.transaction(() => {
      leaveNone(engine, row, endpoints);
      // Told of as the container starts.
      putEndpoint(database, endpoint);
    });
  });
}

const sharedText =
  "container sharing network namespace with another container or host cannot be connected to any other network";

function checkOthers(
  engine: Engine,
  row: ContainerRow,
  wish: {
    readonly endpoints: readonly EndpointRow[];
    readonly network: NetworkRow;
    readonly isUp: boolean;
  },
): void {
  const { network, endpoints, isUp } = wish;
  const isOnNothing = parseNetworkMode(row.definition.hostConfig.NetworkMode).kind !== "none";
  for (const endpoint of endpoints) {
    const other = networkById(engine.store.database, endpoint.network);
    if (other === undefined) continue;
    if (other.id === network.id) {
      // Docker takes new settings for a container that does not run.
      if (!isUp) continue;
      throw new LadeError(
        "CONTAINER_CONFLICT",
        `endpoint with name ${row.name} already exists in network ${network.name}`,
      );
    }
    if (other.definition.driver === "null" && isOnNothing) continue;
    checkTogether(other, network);
  }
}

/** A container that was taken off its last network is on `none` until it comes to another one. */
function leaveNone(engine: Engine, row: ContainerRow, endpoints: readonly EndpointRow[]): void {
  const { database } = engine.store;
  for (const { network } of endpoints) {
    if (networkById(database, network)?.definition.driver === "null") {
      deleteEndpoint(database, row.id, network);
    }
  }
}

async function connectRunning(
  engine: Engine,
  row: ContainerRow,
  { endpoint, network }: NetworkedEndpoint,
): Promise<void> {
  const { database } = engine.store;
  let sockets: readonly number[] = [];
  const taken = database.transaction(() => {
    const before = endpointsOfContainer(database, row.id);
    const interfaces = before.flatMap(({ details }) => details.live?.interface ?? []);
    const usable = claimSubnet(engine.store, network);
    const live = takeOne(database, { row, endpoint, network: usable, interfaces });
    const isFirst = !before.some((other) => isOnOpenBridge(engine, other));
    const held = isFirst ? portsFor(engine, row, { endpoint: live, network: usable }) : noPorts;
    sockets = held.sockets;
    const withHeld = withPorts({ endpoint: live, network: usable }, held);
    leaveNone(engine, row, before);
    putEndpoint(database, withHeld.endpoint);
    if (isFirst) recordPorts(engine, row);
    noteNetwork(database, network, "connect", { container: row.id });
    return withHeld;
  });
  const plug = plugOf(row, taken.endpoint, taken.network);
  try {
    if (plug !== undefined) await plugIn(engine, row, plug);
  } catch (error) {
    if (plug !== undefined) await unplug(engine, row, plug).catch(() => {});
    database.transaction(() => {
      deleteEndpoint(database, row.id, network.id);
      recordPorts(engine, row);
    });
    throw error;
  } finally {
    // The monitor runs already and can't inherit them: the ports are lade's by its own records only.
    closeAll(sockets);
  }
  updateNetworkNames(engine, row.id);
}

/** The ports that the monitor holds from before, else new ones. */
function portsFor(engine: Engine, row: ContainerRow, first: NetworkedEndpoint): HeldPorts {
  if (!isOpenBridge(first.network)) return noPorts;
  const { database } = engine.store;
  for (const endpoint of endpointsOfContainer(database, row.id)) {
    const { idlePorts, ...live } = endpoint.details.live ?? {};
    if (idlePorts === undefined) continue;
    putEndpoint(database, {
      ...endpoint,
      details: { ...endpoint.details, live: live as LiveEndpoint },
    });
    return { ports: idlePorts, sockets: [] };
  }
  return holdPortsOf(engine, row, first);
}

/** Whether ports may be published on the network of an endpoint. */
function isOnOpenBridge(engine: Engine, { network }: EndpointRow): boolean {
  const row = networkById(engine.store.database, network);
  return row !== undefined && isOpenBridge(row);
}

/** Writes the ports that a running container has now; inside a transaction. */
function recordPorts(engine: Engine, row: ContainerRow): void {
  const { database } = engine.store;
  const { network } = row.state;
  if (network === undefined) return;
  const { config, hostConfig } = row.definition;
  const endpoints = endpointsOfContainer(database, row.id);
  const ports = endpoints.flatMap(({ details }) => details.live?.ports ?? []);
  const state = {
    ...row.state,
    network: { ...network, ports: portMapOf(config, hostConfig, ports) },
  };
  setContainerState(database, row.id, state);
}

/**
 * Takes a container off a network, at once where it runs.
 *
 * @throws LadeError NETWORK_NOT_FOUND, CONTAINER_NOT_FOUND, CONTAINER_INVALID, NETWORK_FAILED
 */
export async function disconnectNetwork(
  engine: Engine,
  networkName: string,
  containerName: string,
  // Docker's force is for endpoints whose container is gone; here they go together.
  _options: { readonly force?: boolean } = {},
): Promise<void> {
  const network = findNetwork(engine.store, networkName);
  await changeContainer(engine, containerName, async (row) => {
    const { database } = engine.store;
    const endpoints = endpointsOfContainer(database, row.id);
    const endpoint = endpoints.find((one) => one.network === network.id);
    if (endpoint === undefined) {
      const text = `container ${row.id} is not connected to the network ${network.name}`;
      throw new LadeError("CONTAINER_CONFLICT", text);
    }
    if (network.definition.driver === "host" && isRunning(row.state)) {
      throw invalid(
        "cannot disconnect container from host network - container was created in host network mode",
      );
    }
    if (isRunning(row.state)) {
      const plug = plugOf(row, endpoint, network);
      if (plug !== undefined) await unplug(engine, row, plug);
    }
    const movedTo = database.transaction(() => {
      deleteEndpoint(database, row.id, network.id);
      if (endpoints.length === 1) joinNone(engine, row);
      const next = movePorts(engine, row, endpoint);
      recordPorts(engine, row);
      noteNetwork(database, network, "disconnect", { container: row.id });
      return next;
    });
    if (movedTo !== undefined) await plugAgain(engine, row, movedTo);
    updateNetworkNames(engine, row.id, network);
  });
}

/**
 * The next network takes over the ports of the one that the container left. Where there is none, the
 * ports stay the container's: its monitor holds them.
 */
function movePorts(
  engine: Engine,
  row: ContainerRow,
  left: EndpointRow,
): { readonly from: EndpointRow; readonly to: EndpointRow } | undefined {
  const { database } = engine.store;
  const { ports = [], idlePorts = [] } = left.details.live ?? {};
  const moving = [...ports, ...idlePorts];
  const others = endpointsOfContainer(database, row.id);
  const open = others.find((one) => isOnOpenBridge(engine, one));
  const from = open ?? others[0];
  if (moving.length === 0 || from?.details.live === undefined) return undefined;
  const change = open === undefined ? { idlePorts: moving } : { ports: moving };
  const live = { ...from.details.live, ...change };
  const to = { ...from, details: { ...from.details, live } };
  putEndpoint(database, to);
  return open && { from, to };
}

/** netavark forwards ports only together with an interface, so that one is made again. */
async function plugAgain(
  engine: Engine,
  row: ContainerRow,
  { from, to }: { readonly from: EndpointRow; readonly to: EndpointRow },
): Promise<void> {
  const network = networkById(engine.store.database, to.network);
  const before = network && plugOf(row, from, network);
  const after = network && plugOf(row, to, network);
  if (before === undefined || after === undefined) return;
  await unplug(engine, row, before);
  await plugIn(engine, row, after);
}

async function plugIn(engine: Engine, row: ContainerRow, plug: Plug): Promise<void> {
  const namespace = namespacePath(engine.run, row.id);
  const { database } = engine.store.paths;
  await connectAll({ namespace, plugs: [plug], database });
}

async function unplug(engine: Engine, row: ContainerRow, plug: Plug): Promise<void> {
  await disconnectAll({ run: engine.run, containerId: row.id, plugs: [plug], isEnd: false });
}

function joinNone(engine: Engine, row: ContainerRow): void {
  const { database } = engine.store;
  const none = findNetwork(engine.store, "none");
  const endpoint: EndpointRow = {
    container: row.id,
    network: none.id,
    ipv4: "",
    ipv6: "",
    details: { asked: {}, position: 0 },
  };
  const isUp = isRunning(row.state);
  putEndpoint(
    database,
    isUp ? takeOne(database, { row, endpoint, network: none, interfaces: [] }) : endpoint,
  );
}

function invalid(message: string): LadeError {
  return new LadeError("CONTAINER_INVALID", message);
}
