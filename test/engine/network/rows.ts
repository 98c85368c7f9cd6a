// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  type ContainerRow,
  containerById,
  createdState,
  putContainer,
  setContainerState,
} from "../../../src/content/containers.ts";
import { putEndpoint } from "../../../src/content/endpoints.ts";
import { containerFolder } from "../../../src/content/paths.ts";
import type { CreateNetworkOptions, NetworkDocument } from "../../../src/engine/container-types.ts";
import { type Engine, openEngine } from "../../../src/engine/engine.ts";
import { planEndpoints } from "../../../src/engine/network-endpoints.ts";
import { writeNetworkFiles } from "../../../src/engine/network-files.ts";
import { networkDatabase } from "../../../src/engine/network-find.ts";
import { pruneNetworks } from "../../../src/engine/network-remove.ts";
import {
  closePortSockets,
  type NetworkSetup,
  setUpNetwork,
  tearDownNetwork,
} from "../../../src/engine/network-setup.ts";
import { randomId } from "../../../src/engine/random.ts";
import { makeRunFolders } from "../../../src/rootfs/run-paths.ts";
import { hostInterfaces } from "../../../src/runtime/network/host-state.ts";
import { processStartTicks } from "../../../src/runtime/process.ts";
import type { ContainerConfig, HostConfig, NetworkingConfig } from "../../../src/spec/container.ts";
import { unmountBelow } from "../../helpers/mounts.ts";
import { openTestStore, type TestStore } from "../../helpers/store.ts";
import { run } from "../../helpers/tools.ts";

export interface NetworkStore extends AsyncDisposable {
  readonly store: TestStore;
  readonly engine: Engine;
}

/** A store with a run root of its own. */
export async function openNetworkStore(): Promise<NetworkStore> {
  const store = await openTestStore();
  const runRoot = join(store.folder, "run");
  const engine = await openEngine({ root: store.root, runRoot });
  makeRunFolders(engine.run);
  return {
    store,
    engine,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      unmountBelow(runRoot);
      await store[Symbol.asyncDispose]();
    },
  };
}

export interface Wishes {
  readonly config?: ContainerConfig;
  readonly hostConfig?: HostConfig;
  readonly networking?: NetworkingConfig;
}

/** A container as `create` leaves it, without an image. */
export function addContainer(engine: Engine, name: string, wishes: Wishes = {}): ContainerRow {
  const id = randomId();
  const definition = {
    created: "2024-01-01T00:00:00Z",
    config: { Hostname: id.slice(0, 12), ...wishes.config },
    hostConfig: wishes.hostConfig ?? {},
    networking: wishes.networking ?? {},
    path: "true",
    args: [],
    platform: "linux/amd64",
    mounts: [],
  };
  const image = `sha256:${"0".repeat(64)}` as const;
  const row: ContainerRow = { id, name, image, createdMs: 1, definition, state: createdState };
  const endpoints = planEndpoints(engine.store, id, definition);
  const database = networkDatabase(engine.store);
  database.transaction(() => {
    putContainer(database, row, []);
    for (const endpoint of endpoints) putEndpoint(database, endpoint);
  });
  mkdirSync(containerFolder(engine.store.paths, id), { recursive: true });
  return row;
}

/** A container whose network is up, as if a process ran in it. */
export interface UpContainer {
  readonly row: ContainerRow;
  readonly setup: NetworkSetup;
}

export async function bringUp(engine: Engine, row: ContainerRow): Promise<UpContainer> {
  const setup = await setUpNetwork(engine, row);
  const state = {
    ...createdState,
    status: "running" as const,
    // The test itself stands for the container's process.
    pid: process.pid,
    startTicks: processStartTicks(process.pid) ?? 0,
    bootId: engine.bootId,
    network: { namespace: setup.namespace, ports: setup.ports },
  };
  setContainerState(engine.store.database, row.id, state);
  writeNetworkFiles(engine, row, setup);
  return { row: containerById(engine.store.database, row.id) ?? row, setup };
}

export async function bringDown(engine: Engine, { row, setup }: UpContainer): Promise<void> {
  closePortSockets(setup);
  await tearDownNetwork(engine, row);
  setContainerState(engine.store.database, row.id, { ...createdState, status: "exited" });
}

/** What `network create --subnet …` asks for. */
export function ipam(
  ...config: NetworkDocument["IPAM"]["Config"]
): Pick<CreateNetworkOptions, "ipam">["ipam"] {
  return { Driver: "default", Options: null, Config: config };
}

/** The interfaces of the host once those of ended containers are gone, which takes a moment. */
export async function interfacesWithout(count: number): Promise<string[]> {
  for (let tries = 0; ; tries++) {
    const found = hostInterfaces();
    const pairs = found.filter((name) => name.startsWith("veth"));
    if (pairs.length <= count || tries > 200) return found;
    await delay(20);
  }
}

/** Asserts that with its networks everything goes that a store had on the host. */
export async function assertNothingLeft(engine: Engine): Promise<void> {
  await pruneNetworks(engine, []);
  assert.deepEqual(await interfacesWithout(0), ["lo"]);
  assert.doesNotMatch(await rules(), /172\.|10\.77|br-/);
  assert.deepEqual(readdirSync(engine.run.netns), []);
}

/** All firewall rules of the host. */
export async function rules(): Promise<string> {
  const tables = await Promise.all(
    ["filter", "nat"].map((table) => run("iptables", ["-t", table, "-S"])),
  );
  return tables.map((table) => table.stdout).join("");
}
