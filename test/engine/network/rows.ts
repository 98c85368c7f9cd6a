// SPDX-License-Identifier: Apache-2.0

import { mkdirSync } from "node:fs";
import { join } from "node:path";
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
import {
  closePortSockets,
  type NetworkSetup,
  setUpNetwork,
  tearDownNetwork,
} from "../../../src/engine/network-setup.ts";
import { randomId } from "../../../src/engine/random.ts";
import { makeRunFolders } from "../../../src/rootfs/run-paths.ts";
import { processStartTicks } from "../../../src/runtime/process.ts";
import type { ContainerConfig, HostConfig, NetworkingConfig } from "../../../src/spec/container.ts";
import { unmountBelow } from "../../helpers/mounts.ts";
import { openTestStore, type TestStore } from "../../helpers/store.ts";

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
