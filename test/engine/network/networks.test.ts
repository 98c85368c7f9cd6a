// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import test from "node:test";
import type { CreateNetworkOptions } from "../../../src/engine/container-types.ts";
import { createNetwork } from "../../../src/engine/network-create.ts";
import { inspectNetwork, listNetworks } from "../../../src/engine/network-list.ts";
import { pruneNetworks, removeNetwork } from "../../../src/engine/network-remove.ts";
import { enterPrivateNetwork } from "../../helpers/private-network.ts";
import { run } from "../../helpers/tools.ts";
import { addContainer, bringDown, bringUp, ipam, openNetworkStore } from "./rows.ts";

enterPrivateNetwork();

const names = (networks: readonly { readonly Name: string }[]) =>
  networks.map((network) => network.Name);

test("bridge, host and none are always there, with IDs that stay, and can't be made or removed", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  const networks = await listNetworks(engine, []);
  assert.deepEqual(
    networks.map((network) => [network.Name, network.Driver, network.Scope]),
    [
      ["bridge", "bridge", "local"],
      ["host", "host", "local"],
      ["none", "null", "local"],
    ],
  );
  assert.deepEqual(await listNetworks(engine, []), networks);
  const [bridge] = networks;
  assert.match(bridge?.Id ?? "", /^[0-9a-f]{64}$/);
  assert.deepEqual(bridge?.IPAM, {
    Driver: "default",
    Options: null,
    Config: [{ Subnet: "172.17.0.0/16", Gateway: "172.17.0.1" }],
  });
  for (const name of ["bridge", "host", "none"]) {
    await assert.rejects(removeNetwork(engine, name), {
      code: "NETWORK_PREDEFINED",
      message: `${name} is a pre-defined network and cannot be removed`,
    });
    await assert.rejects(createNetwork(engine, { name }), {
      message: `operation is not permitted on predefined ${name} network`,
    });
  }
});

test("a network has the next subnet that neither a network nor the host uses", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  await run("ip", ["link", "add", "other0", "type", "bridge"]);
  await run("ip", ["address", "add", "172.18.5.1/24", "dev", "other0"]);
  await run("ip", ["link", "set", "other0", "up"]);
  try {
    const { id } = await createNetwork(engine, { name: "one", labels: { a: "b" } });
    await createNetwork(engine, { name: "two", internal: true });
    const one = await inspectNetwork(engine, id.slice(0, 8));
    assert.equal(one.Name, "one");
    assert.deepEqual(one.IPAM.Config, [{ Subnet: "172.19.0.0/16", Gateway: "172.19.0.1" }]);
    const two = await inspectNetwork(engine, "two");
    assert.equal(two.IPAM.Config[0]?.Subnet, "172.20.0.0/16");
    assert.equal(two.Internal, true);
    const filtered = async (key: string, value: string) =>
      names(await listNetworks(engine, [{ key, value }]));
    assert.deepEqual(await filtered("label", "a=b"), ["one"]);
    assert.deepEqual(await filtered("driver", "bridge"), ["bridge", "one", "two"]);
    assert.deepEqual(await filtered("type", "custom"), ["one", "two"]);
    assert.deepEqual(await filtered("name", "^on"), ["one"]);
    assert.deepEqual(await filtered("dangling", "true"), ["one", "two"]);
    await assert.rejects(filtered("type", "odd"), { code: "FILTER_INVALID" });
    assert.deepEqual(await pruneNetworks(engine, [{ key: "label!", value: "a" }]), {
      networksDeleted: ["two"],
    });
    await removeNetwork(engine, "one");
    await assert.rejects(removeNetwork(engine, "one"), {
      code: "NETWORK_NOT_FOUND",
      message: "network one not found",
    });
  } finally {
    await run("ip", ["link", "del", "other0"]);
  }
});

test("what can't be had is refused in Docker's words", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  await createNetwork(engine, { name: "taken", ipam: ipam({ Subnet: "10.5.0.0/16" }) });
  const refused = async (options: CreateNetworkOptions, code: string, message: RegExp) =>
    await assert.rejects(createNetwork(engine, options), (error: Error & { code?: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  const name = "new";
  await refused({ name: "taken" }, "NETWORK_IN_USE", /^network with name taken already exists$/);
  await refused({ name: " " }, "CONTAINER_INVALID", /^invalid name: name is empty$/);
  await refused({ name: "a\nb" }, "CONTAINER_INVALID", /^invalid name: "a\\nb" has control/);
  await refused(
    { name, driver: "overlay2" },
    "UNSUPPORTED",
    /^could not find plugin overlay2 in v1 plugin registry: plugin not found$/,
  );
  await refused({ name, driver: "host" }, "NETWORK_PREDEFINED", /^only one instance of "host"/);
  const config = (config: object) => ({ name, ipam: ipam(config) });
  await refused(
    config({ Subnet: "10.5.9.0/24" }),
    "NETWORK_IN_USE",
    /^invalid pool request: Pool overlaps with other one on this address space$/,
  );
  await refused(
    config({ Subnet: "10.6.1.1/16", Gateway: "10.7.0.1", IPRange: "10.0.0.0/8" }),
    "CONTAINER_INVALID",
    /^invalid network config:\ninvalid subnet 10\.6\.1\.1\/16: it should be 10\.6\.0\.0\/16\ninvalid ip-range 10\.0\.0\.0\/8: CIDR block is bigger than its parent subnet 10\.6\.1\.1\/16\ninvalid gateway 10\.7\.0\.1: parent subnet 10\.6\.1\.1\/16 doesn't contain this address$/,
  );
  await refused(config({ Subnet: "fd00::/64" }), "CONTAINER_INVALID", /without IPv6/);
  await refused(config({ Subnet: "x" }), "CONTAINER_INVALID", /^invalid network config:/);
  await refused(config({ Subnet: "10.6.0.0/31" }), "CONTAINER_INVALID", /no room/);
  const options = (key: string, value: string) => ({ name, options: { [key]: value } });
  await refused(
    options("com.docker.network.bridge.enable_icc", "false"),
    "UNSUPPORTED",
    /enable_icc=false is not supported/,
  );
  await refused(options("parent", "eth0"), "UNSUPPORTED", /^network option parent is not/);
  await refused(
    options("com.docker.network.driver.mtu", "big"),
    "CONTAINER_INVALID",
    /^failed to parse com\.docker\.network\.driver\.mtu value: big$/,
  );
  await refused(
    options("com.docker.network.bridge.name", "lo"),
    "NETWORK_IN_USE",
    /the host has an interface of that name$/,
  );
  assert.deepEqual(names(await listNetworks(engine, [])), ["bridge", "host", "none", "taken"]);
});

test("endpoints that a network can't have are refused when the container is made", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  await createNetwork(engine, { name: "mine", ipam: ipam({ Subnet: "10.5.0.0/24" }) });
  const refused = (
    mode: string,
    endpoints: Record<string, object>,
    code: string,
    message: RegExp,
  ) =>
    assert.throws(
      () =>
        addContainer(engine, `c${Math.random()}`, {
          hostConfig: { NetworkMode: mode },
          networking: { EndpointsConfig: endpoints },
        }),
      { code, message },
    );
  refused("nowhere", {}, "NETWORK_NOT_FOUND", /^network nowhere not found$/);
  refused(
    "bridge",
    { bridge: { IPAMConfig: { IPv4Address: "172.17.0.9" }, Aliases: ["a"] } },
    "CONTAINER_INVALID",
    /^invalid endpoint settings:\nuser-specified IP address is supported on user-defined networks only\nnetwork-scoped aliases are only supported for user-defined networks$/,
  );
  refused(
    "mine",
    { mine: { IPAMConfig: { IPv4Address: "10.6.0.9" } } },
    "CONTAINER_INVALID",
    /no configured subnet contains IP address 10\.6\.0\.9$/,
  );
  refused("mine", { mine: { MacAddress: "zz" } }, "CONTAINER_INVALID", /^invalid MAC address: zz$/);
  refused("none", { mine: {} }, "CONTAINER_INVALID", /private \(none\) mode$/);
  refused("host", { mine: {} }, "CONTAINER_INVALID", /^container sharing network namespace/);
  const two = { mine: { IPAMConfig: { IPv4Address: "10.5.0.9" } } };
  const wishes = { hostConfig: { NetworkMode: "mine" }, networking: { EndpointsConfig: two } };
  const first = await bringUp(engine, addContainer(engine, "first", wishes));
  await assert.rejects(bringUp(engine, addContainer(engine, "second", wishes)), {
    code: "NETWORK_IN_USE",
    message: "Address already in use",
  });
  const { Containers } = await inspectNetwork(engine, "mine");
  assert.deepEqual(Object.keys(Containers), [first.row.id]);
  assert.equal(Containers[first.row.id]?.Name, "first");
  assert.equal(Containers[first.row.id]?.IPv4Address, "10.5.0.9/24");
  await assert.rejects(removeNetwork(engine, "mine"), {
    code: "NETWORK_IN_USE",
    message: /^error while removing network: network mine id [0-9a-f]{64} has active endpoints$/,
  });
  await bringDown(engine, first);
  await removeNetwork(engine, "mine");
  // The container was on it; now it can't start until there is such a network again.
  await assert.rejects(bringUp(engine, first.row), { code: "NETWORK_NOT_FOUND" });
  await createNetwork(engine, { name: "mine", ipam: ipam({ Subnet: "10.5.0.0/24" }) });
  await bringDown(engine, await bringUp(engine, first.row));
});
