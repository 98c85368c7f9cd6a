// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { ContainerRow } from "../../../src/content/containers.ts";
import { allEndpoints } from "../../../src/content/endpoints.ts";
import { createNetwork } from "../../../src/engine/network-create.ts";
import { endpointDocuments } from "../../../src/engine/network-documents.ts";
import { inspectNetwork } from "../../../src/engine/network-list.ts";
import { pruneNetworks } from "../../../src/engine/network-remove.ts";
import { tearDownNetwork } from "../../../src/engine/network-setup.ts";
import { hostInterfaces } from "../../../src/runtime/network/host-state.ts";
import { removeNamespace } from "../../../src/runtime/network/namespaces.ts";
import { enterPrivateNetwork, hearTcp, serveLine } from "../../helpers/private-network.ts";
import { run } from "../../helpers/tools.ts";
import {
  addContainer,
  assertNothingLeft,
  bringDown,
  bringUp,
  interfacesWithout,
  type NetworkStore,
  openNetworkStore,
  rules,
} from "./rows.ts";

enterPrivateNetwork();

function setUpElsewhere({ engine, store }: NetworkStore, how: string, ...rows: ContainerRow[]) {
  const script = join(import.meta.dirname, "set-up-child.ts");
  const ids = rows.map((row) => row.id);
  const args = ["--disable-warning=ExperimentalWarning", script, how, store.root, engine.run.root];
  return spawn(process.execPath, [...args, ...ids], { stdio: ["ignore", "inherit", "inherit"] });
}

const published = {
  hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "8080" }] } },
};

test("eight commands at once give 48 containers addresses of their own", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  await createNetwork(engine, { name: "many" });
  const wishes = { hostConfig: { NetworkMode: "many" } };
  const rows = Array.from({ length: 48 }, (_, n) => addContainer(engine, `c${n}`, wishes));
  const children = Array.from({ length: 8 }, (_, n) =>
    setUpElsewhere(fixture, "reserve", ...rows.slice(n * 6, n * 6 + 6)),
  );
  const codes = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0]));
  assert.deepEqual(new Set(codes), new Set([0]));
  const addresses = [...allEndpoints(engine.store.database).values()].flatMap((endpoints) =>
    endpoints.map((endpoint) => endpoint.ipv4),
  );
  assert.equal(new Set(addresses).size, 48);
  assert.deepEqual(
    addresses.map((address) => Number(address.split(".")[3])).sort((a, b) => a - b),
    Array.from({ length: 48 }, (_, n) => n + 2),
  );
  for (const row of rows) await tearDownNetwork(engine, row);
  assert.deepEqual(readdirSync(engine.run.netns), []);
});

test("a set-up that is killed at any moment leaves nothing that the next tear-down does not take", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  const stays = await bringUp(engine, addContainer(engine, "stays"));
  for (const pauseMs of [60, 120, 180, 200, 220, 240, 260, 300, 350]) {
    const row = addContainer(engine, `killed-${pauseMs}`, published);
    const child = setUpElsewhere(fixture, "set-up", row);
    await delay(pauseMs);
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    await tearDownNetwork(engine, row);
    const left = await interfacesWithout(1);
    assert.equal(left.length, 3, `${pauseMs}: ${left.join(" ")}`);
    assert.doesNotMatch(await rules(), /8080/);
    assert.deepEqual(readdirSync(engine.run.netns), [stays.row.id]);
    assert.equal(endpointDocuments(engine, row).bridge?.IPAddress, "");
  }
  await bringDown(engine, stays);
  await assertNothingLeft(engine);
});

test("where the namespace is gone, rules and bridge go all the same", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  const one = await bringUp(engine, addContainer(engine, "one", published));
  const two = await bringUp(engine, addContainer(engine, "two"));
  removeNamespace(engine.run, one.row.id);
  await bringDown(engine, one);
  assert.doesNotMatch(await rules(), /8080/);
  {
    await using _server = await serveLine(two.setup.namespace, 80, "still there");
    assert.equal(await hearTcp("", "172.17.0.3", 80), "still there");
  }
  removeNamespace(engine.run, two.row.id);
  await bringDown(engine, two);
  await assertNothingLeft(engine);
});

test("after a reboot the rows alone are left, and the container starts again", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  const before = await bringUp(engine, addContainer(engine, "before", published));
  removeNamespace(engine.run, before.row.id);
  await run("ip", ["link", "del", hostInterfaces().find((name) => name.startsWith("br-")) ?? ""]);
  for (const table of ["nat", "filter"]) {
    await run("iptables", ["-t", table, "-F"]);
    await run("iptables", ["-t", table, "-X"]);
  }
  await bringDown(engine, before);
  assert.equal(endpointDocuments(engine, before.row).bridge?.IPAddress, "");
  const after = await bringUp(engine, before.row);
  {
    await using _server = await serveLine(after.setup.namespace, 80, "again");
    assert.equal(await hearTcp("", "127.0.0.1", 8080), "again");
  }
  await bringDown(engine, after);
  await tearDownNetwork(engine, after.row);
  await assertNothingLeft(engine);
});

test("the default network moves out of the way of a route that came after it", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  const row = addContainer(engine, "moves");
  await bringDown(engine, await bringUp(engine, row));
  await run("ip", ["link", "add", "vpn0", "type", "bridge"]);
  await run("ip", ["address", "add", "172.17.0.1/24", "dev", "vpn0"]);
  await run("ip", ["link", "set", "vpn0", "up"]);
  const moved = await bringUp(engine, row);
  assert.equal(endpointDocuments(engine, row).bridge?.IPAddress, "172.18.0.2");
  await bringDown(engine, moved);
  await run("ip", ["link", "del", "vpn0"]);
});

test("without netavark or iptables the error says what to install", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  const row = addContainer(engine, "bare");
  process.env.LADE_NETAVARK = "/bin/false";
  try {
    await assert.rejects(bringUp(engine, row), { code: "NETWORK_FAILED" });
  } finally {
    delete process.env.LADE_NETAVARK;
  }
  await tearDownNetwork(engine, row);
  await assertNothingLeft(engine);
});

test("stores that run at the same time have subnets of their own, and a removed one gives its back", async () => {
  const first = await openNetworkStore();
  await using second = await openNetworkStore();
  const rows = [first, second].map(({ engine }) => addContainer(engine, "only"));
  const [one, two] = rows;
  assert.ok(one !== undefined && two !== undefined);
  // Both were looked at before, and saw the same subnet free.
  for (const { engine } of [first, second]) {
    assert.equal((await inspectNetwork(engine, "bridge")).IPAM.Config[0]?.Subnet, "172.17.0.0/16");
  }
  const [upOne, upTwo] = await Promise.all([
    bringUp(first.engine, one),
    bringUp(second.engine, two),
  ]);
  const subnets = [endpointDocuments(first.engine, one), endpointDocuments(second.engine, two)];
  assert.deepEqual(subnets.map((networks) => networks.bridge?.Gateway).sort(), [
    "172.17.0.1",
    "172.18.0.1",
  ]);
  await bringDown(first.engine, upOne);
  await bringDown(second.engine, upTwo);
  assert.equal((await interfacesWithout(0)).length, 3);
  await first[Symbol.asyncDispose]();
  await pruneNetworks(second.engine, []);
  await using third = await openNetworkStore();
  const row = addContainer(third.engine, "only");
  const up = await bringUp(third.engine, row);
  assert.equal(endpointDocuments(third.engine, row).bridge?.Gateway, "172.17.0.1");
  assert.equal((await interfacesWithout(1)).length, 3);
  await bringDown(third.engine, up);
  await assertNothingLeft(third.engine);
});
