// SPDX-License-Identifier: Apache-2.0

/**
 * A container's network, from its start to its end.
 *
 * First everything is settled (addresses, ports, namespace): milliseconds, and all that the runtime
 * and the container's files need. Then netavark makes it real, which takes longer than all the rest
 * and can go on while the runtime makes the container.
 */

import { isLadeError, LadeError } from "../base/errors.ts";
import type { ContainerRow, NetworkRecord } from "../content/containers.ts";
import { isRunning } from "../content/containers.ts";
import {
  type EndpointRow,
  endpointsOfContainer,
  publishedHostPorts,
  putEndpoint,
  releaseEndpoints,
} from "../content/endpoints.ts";
import { type NetworkRow, networkById } from "../content/networks.ts";
import { ephemeralPorts } from "../runtime/network/host-state.ts";
import { hasNamespace, makeNamespace, removeNamespace } from "../runtime/network/namespaces.ts";
import type { Plug } from "../runtime/network/netavark.ts";
import { connectAll, disconnectAll } from "../runtime/network/plugs.ts";
import {
  closeAll,
  type HeldPorts,
  holdPorts,
  portMapOf,
  requestedPorts,
} from "../runtime/network/ports.ts";
import type { Engine } from "./engine.ts";
import { findContainer } from "./find-container.ts";
import { takeAddresses } from "./network-addresses.ts";
import { planEndpoints } from "./network-endpoints.ts";
import { networkDatabase } from "./network-find.ts";
import { parseNetworkMode } from "./network-mode.ts";
import { updateNetworkNames } from "./network-names.ts";
import { plugOf } from "./network-plug.ts";

/** What a container has of the network, as its row keeps it, and what is needed until it runs. */
export interface NetworkSetup extends NetworkRecord {
  /** What netavark has yet to make. */
  readonly plugs: readonly Plug[];
  /**
   * Descriptors that hold the published ports. The monitor inherits them, so that no other program
   * takes a port as long as the container runs; here they are closed then, by `closePortSockets`.
   */
  readonly portSockets: readonly number[];
}

/**
 * Settles a container's network and makes it.
 *
 * @throws LadeError PORT_TAKEN, NETWORK_NOT_FOUND, NETWORK_FAILED, NETWORK_IN_USE, ROOT_NEEDED,
 *   RUNTIME_MISSING, CONTAINER_INVALID, CONTAINER_NOT_FOUND
 */
export async function setUpNetwork(engine: Engine, row: ContainerRow): Promise<NetworkSetup> {
  const setup = reserveNetwork(engine, row);
  await plugNetwork(engine, row, setup);
  return setup;
}

/**
 * Settles a container's network: its namespace is there with a loopback device, its addresses and
 * ports are its own, and nothing leads to it yet. {@link plugNetwork} is next; where it does not
 * come to that, {@link tearDownNetwork} gives all back.
 *
 * @throws LadeError as {@link setUpNetwork}; nothing is held then
 */
export function reserveNetwork(engine: Engine, row: ContainerRow): NetworkSetup {
  const { config, hostConfig } = row.definition;
  const mode = parseNetworkMode(hostConfig.NetworkMode);
  if (mode.kind === "container") return joinContainer(engine, row, mode.container);
  const database = networkDatabase(engine.store);
  let held: HeldPorts | undefined;
  try {
    // A power cut ends the container, so what it held need not last.
    const reserved = database.transaction(
      () => {
        const taken = takeAddresses(engine.store, row, currentEndpoints(engine, row));
        const open = taken.find(({ network }) => isOpenBridge(network));
        const ports = open === undefined ? noPorts : holdPortsOf(engine, row, open);
        held = ports;
        const all = taken.map((one) => (one === open ? withPorts(one, ports) : one));
        for (const { endpoint } of all) putEndpoint(database, endpoint);
        return all;
      },
      { isDurable: false },
    );
    const namespace = mode.kind === "host" ? "" : makeNamespace(engine.run, row.id);
    return {
      namespace,
      ports: mode.kind !== "network" ? {} : portMapOf(config, hostConfig, held?.ports ?? []),
      plugs: reserved.flatMap(({ endpoint, network }) => plugOf(row, endpoint, network) ?? []),
      portSockets: held?.sockets ?? [],
    };
  } catch (error) {
    closeAll(held?.sockets ?? []);
    database.transaction(() => releaseEndpoints(database, row.id), { isDurable: false });
    throw error;
  }
}

/** An endpoint and the network that it is on. */
export interface NetworkedEndpoint {
  readonly endpoint: EndpointRow;
  readonly network: NetworkRow;
}

/** As they were at `create` and `connect`; as they were asked for where a network was removed. */
function currentEndpoints(engine: Engine, row: ContainerRow): NetworkedEndpoint[] {
  const { database } = engine.store;
  const stored = endpointsOfContainer(database, row.id);
  const endpoints =
    stored.length > 0 ? stored : planEndpoints(engine.store, row.id, row.definition);
  return endpoints.map((endpoint) => {
    const network = networkById(database, endpoint.network);
    if (network === undefined) throw new Error(`endpoint on no network: ${endpoint.network}`);
    return { endpoint, network };
  });
}

/** Ports are published on the first network that something leads out of. */
export function isOpenBridge({ definition }: NetworkRow): boolean {
  return definition.driver === "bridge" && !definition.internal;
}

export const noPorts: HeldPorts = { ports: [], sockets: [] };

/**
 * Takes the ports of the host that lead to a container's endpoint.
 *
 * @throws LadeError PORT_TAKEN, CONTAINER_INVALID
 */
export function holdPortsOf(
  engine: Engine,
  row: ContainerRow,
  { endpoint, network }: NetworkedEndpoint,
): HeldPorts {
  const requests = requestedPorts(row.definition.config, row.definition.hostConfig);
  if (requests.length === 0) return noPorts;
  const bindingIp = network.definition.options["com.docker.network.bridge.host_binding_ipv4"] ?? "";
  const all = bindingIp === "" || bindingIp === "0.0.0.0";
  try {
    return holdPorts(requests, {
      taken: publishedHostPorts(engine.store.database).filter((port) => port.container !== row.id),
      ephemeral: ephemeralPorts(),
      allAddresses: all ? ["0.0.0.0", ...(endpoint.ipv6 === "" ? [] : ["::"])] : [bindingIp],
    });
  } catch (error) {
    if (!isLadeError(error, "PORT_TAKEN")) throw error;
    const name = `${row.name} (${endpoint.details.live?.id ?? ""})`;
    const what = `driver failed programming external connectivity on endpoint ${name}`;
    throw new LadeError("PORT_TAKEN", `${what}: ${error.message}`, { cause: error });
  }
}

/** The endpoint with the ports that lead to it. */
export function withPorts(
  { endpoint, network }: NetworkedEndpoint,
  held: HeldPorts,
): NetworkedEndpoint {
  const { live } = endpoint.details;
  if (live === undefined) return { endpoint, network };
  const details = { ...endpoint.details, live: { ...live, ports: held.ports } };
  return { endpoint: { ...endpoint, details }, network };
}

function joinContainer(engine: Engine, row: ContainerRow, name: string): NetworkSetup {
  const other = findContainer(engine.store, name);
  if (other.id === row.id) {
    throw new LadeError("CONTAINER_INVALID", "cannot join own network namespace");
  }
  const namespace = other.state.network?.namespace;
  const isThere = namespace === "" || hasNamespace(engine.run, other.id);
  if (namespace === undefined || !isRunning(other.state) || !isThere) {
    throw new LadeError(
      "CONTAINER_NOT_RUNNING",
      `cannot join network namespace of a non running container: container ${other.name} is ${other.state.status}`,
      { hint: `Start it first: lade start ${other.name}` },
    );
  }
  return { namespace, ports: {}, plugs: [], portSockets: [] };
}

/**
 * Makes what {@link reserveNetwork} settled, and tells the neighbours.
 *
 * @throws LadeError NETWORK_FAILED, RUNTIME_MISSING; {@link tearDownNetwork} is still to be called
 */
export async function plugNetwork(
  engine: Engine,
  row: ContainerRow,
  setup: NetworkSetup,
): Promise<void> {
  const { namespace, plugs } = setup;
  await connectAll({ namespace, plugs, database: engine.store.paths.database });
  updateNetworkNames(engine, row.id);
}

/** Closes lade's own copies of the descriptors that hold ports; the monitor has its own. */
export function closePortSockets(setup: NetworkSetup): void {
  closeAll(setup.portSockets);
}

/**
 * Takes a container's network away: interfaces, addresses, ports, namespace. Does nothing where
 * nothing is there; fine after `kill -9` and a reboot.
 *
 * @throws LadeError NETWORK_FAILED where a rule or an interface stays; all else is given back
 */
export async function tearDownNetwork(engine: Engine, row: ContainerRow): Promise<void> {
  const { database } = engine.store;
  const endpoints = endpointsOfContainer(database, row.id);
  const live = endpoints.filter((endpoint) => endpoint.details.live !== undefined);
  const plugs = live.flatMap((endpoint) => {
    const network = networkById(database, endpoint.network);
    return network === undefined ? [] : (plugOf(row, endpoint, network) ?? []);
  });
  try {
    await disconnectAll({ run: engine.run, containerId: row.id, plugs, isEnd: true });
  } finally {
    removeNamespace(engine.run, row.id);
    if (live.length > 0) {
      database.transaction(() => releaseEndpoints(database, row.id), { isDurable: false });
      updateNetworkNames(engine, row.id);
    }
  }
}
