// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, statSync } from "node:fs";
import test from "node:test";
import { isLadeError } from "../../../src/base/errors.ts";
import type { ContainerRow } from "../../../src/content/containers.ts";
import { connectNetwork, disconnectNetwork } from "../../../src/engine/network-connect.ts";
import { createNetwork } from "../../../src/engine/network-create.ts";
import { endpointDocuments, publishedPorts } from "../../../src/engine/network-documents.ts";
import { networkFiles } from "../../../src/engine/network-files.ts";
import { inspectNetwork } from "../../../src/engine/network-list.ts";
import { removeNetwork } from "../../../src/engine/network-remove.ts";
import { setUpNetwork } from "../../../src/engine/network-setup.ts";
import { hasNamespace } from "../../../src/runtime/network/namespaces.ts";
import type { EndpointSettings } from "../../../src/spec/container.ts";
import {
  askTcp,
  askUdp,
  enterPrivateNetwork,
  hearTcp,
  runInNamespace,
  serveLine,
} from "../../helpers/private-network.ts";
import { run } from "../../helpers/tools.ts";
import {
  addContainer,
  assertNothingLeft,
  bringDown,
  bringUp,
  interfacesWithout,
  ipam,
  openNetworkStore,
  rules,
  type Wishes,
} from "./rows.ts";

enterPrivateNetwork();

test("two containers on the default bridge reach each other by address, the host a published port", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  const web = await bringUp(
    engine,
    addContainer(engine, "web", {
      hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "8080" }] } },
    }),
  );
  const other = await bringUp(engine, addContainer(engine, "other"));
  const server = await serveLine(web.setup.namespace, 80, "hello from web");

  const document = endpointDocuments(engine, web.row).bridge;
  assert.equal(document?.IPAddress, "172.17.0.2");
  assert.equal(document?.Gateway, "172.17.0.1");
  assert.equal(document?.IPPrefixLen, 16);
  assert.equal(document?.MacAddress, "02:42:ac:11:00:02");
  assert.equal(endpointDocuments(engine, other.row).bridge?.IPAddress, "172.17.0.3");
  assert.deepEqual(publishedPorts(web.row), [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
  ]);

  assert.equal(await hearTcp(other.setup.namespace, "172.17.0.2", 80), "hello from web");
  assert.equal(await hearTcp("", "127.0.0.1", 8080), "hello from web");
  assert.equal(await hearTcp("", "172.17.0.1", 8080), "hello from web");
  assert.equal(await hearTcp("", "172.17.0.2", 80), "hello from web");
  assert.equal(await hearTcp(other.setup.namespace, "172.17.0.1", 8080), "hello from web");
  // Its own port, too, by way of the host.
  assert.equal(await hearTcp(web.setup.namespace, "172.17.0.1", 8080), "hello from web");

  // As with Docker, names don't count on the default bridge.
  const hosts = readFileSync(networkFiles(engine, other.row).hosts, "utf8");
  assert.match(hosts, new RegExp(`^172\\.17\\.0\\.3\t${other.row.id.slice(0, 12)}$`, "m"));
  assert.doesNotMatch(hosts, /web/);

  await server[Symbol.asyncDispose]();
  await bringDown(engine, web);
  assert.equal(await askTcp("", "127.0.0.1", 8080), "");
  assert.equal(hasNamespace(engine.run, web.row.id), false);
  await bringDown(engine, other);
  await assertNothingLeft(engine);
});

test("containers of one network know each other by name, alias and short ID, others can't reach them", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  await createNetwork(engine, { name: "front" });
  await createNetwork(engine, { name: "back", ipam: ipam({ Subnet: "10.77.0.0/24" }) });
  const on = (name: string, settings: EndpointSettings = {}) => ({
    hostConfig: { NetworkMode: name },
    networking: { EndpointsConfig: { [name]: settings } },
  });
  const db = await bringUp(engine, addContainer(engine, "db", on("front", { Aliases: ["data"] })));
  const web = await bringUp(engine, addContainer(engine, "web", on("front")));
  const far = await bringUp(
    engine,
    addContainer(engine, "far", on("back", { IPAMConfig: { IPv4Address: "10.77.0.40" } })),
  );
  await using servers = new AsyncDisposableStack();
  servers.use(await serveLine(db.setup.namespace, 5432, "data base"));
  servers.use(await serveLine(far.setup.namespace, 80, "far away"));

  const names = (row: ContainerRow) => readFileSync(networkFiles(engine, row).hosts, "utf8");
  const short = db.row.id.slice(0, 12);
  const line = new RegExp(`^172\\.18\\.0\\.2\tdb data ${short} db\\.front data\\.front `, "m");
  assert.match(names(web.row), line);
  assert.match(names(db.row), /^172\.18\.0\.3\tweb /m);
  assert.doesNotMatch(names(far.row), /\b(?:db|web)\b/);
  assert.equal(await hearTcp(web.setup.namespace, "172.18.0.2", 5432), "data base");
  assert.equal(await askTcp(web.setup.namespace, "10.77.0.40", 80), "");
  assert.equal(await hearTcp("", "10.77.0.40", 80), "far away");

  // Joined while it runs, and with a file that the container changed itself.
  const file = networkFiles(engine, web.row).hosts;
  const inode = statSync(file).ino;
  appendFileSync(file, "10.1.2.3\tmine\n");
  await connectNetwork(engine, "back", "web", { Aliases: ["www"] });
  assert.match(names(web.row), /^10\.77\.0\.40\tfar /m);
  assert.match(names(web.row), /^10\.1\.2\.3\tmine$/m);
  assert.match(names(far.row), /^10\.77\.0\.2\tweb www /m);
  assert.equal(statSync(file).ino, inode);
  assert.equal(await hearTcp(web.setup.namespace, "10.77.0.40", 80), "far away");
  await assert.rejects(connectNetwork(engine, "back", "web"), {
    code: "CONTAINER_CONFLICT",
    message: "endpoint with name web already exists in network back",
  });
  await assert.rejects(removeNetwork(engine, "back"), { code: "NETWORK_IN_USE" });

  await disconnectNetwork(engine, "back", "web");
  assert.doesNotMatch(names(web.row), /far/);
  assert.doesNotMatch(names(far.row), /web/);
  assert.equal(await askTcp(web.setup.namespace, "10.77.0.40", 80), "");
  await servers.disposeAsync();
  for (const container of [web, db, far]) await bringDown(engine, container);
  await removeNetwork(engine, "front");
  assert.doesNotMatch(await rules(), /172\.18/);
  // The rules that keep networks apart survive the end of another network.
  assert.match(await rules(), /-A NETAVARK_ISOLATION_2 -o br-/);
  assert.match(await rules(), /-A FORWARD -j NETAVARK_ISOLATION_1/);
  await removeNetwork(engine, "back");
  assert.doesNotMatch(await rules(), /10\.77/);
  await assertNothingLeft(engine);
});

test("a container without a network has loopback, one of the host's nothing of its own", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  const alone = await bringUp(
    engine,
    addContainer(engine, "alone", { hostConfig: { NetworkMode: "none" } }),
  );
  const links = await runInNamespace(alone.setup.namespace, "ip", "-brief", "link");
  assert.match(links.stdout, /^lo +UNKNOWN [^\n]*\n$/);
  const host = await bringUp(
    engine,
    addContainer(engine, "host", { hostConfig: { NetworkMode: "host" } }),
  );
  assert.equal(host.setup.namespace, "");
  assert.equal(
    readFileSync(networkFiles(engine, host.row).hosts, "utf8"),
    readFileSync("/etc/hosts", "utf8"),
  );

  const sharing = addContainer(engine, "sharing", {
    hostConfig: { NetworkMode: `container:${alone.row.id}` },
  });
  const shared = await bringUp(engine, sharing);
  assert.equal(shared.setup.namespace, alone.setup.namespace);
  assert.deepEqual(networkFiles(engine, sharing), networkFiles(engine, alone.row));
  await bringDown(engine, shared);
  assert.equal(hasNamespace(engine.run, alone.row.id), true);
  await bringDown(engine, alone);
  await assert.rejects(setUpNetwork(engine, sharing), {
    code: "CONTAINER_NOT_RUNNING",
    message: "cannot join network namespace of a non running container: container alone is exited",
  });
  await bringDown(engine, host);
  assert.deepEqual(readdirSync(engine.run.netns), []);
});

test("20 set-ups side by side have addresses of their own and leave nothing", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  const rows = Array.from({ length: 20 }, (_, number) =>
    addContainer(engine, `many${number}`, {
      hostConfig: { PortBindings: { "80/tcp": [{ HostPort: "" }] } },
    }),
  );
  const up = await Promise.all(rows.map((row) => bringUp(engine, row)));
  const documents = up.map(({ row }) => endpointDocuments(engine, row).bridge);
  assert.equal(new Set(documents.map((document) => document?.IPAddress)).size, 20);
  assert.deepEqual(
    documents.map((document) => Number(document?.IPAddress.split(".")[3])).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, number) => number + 2),
  );
  const ports = up.flatMap(({ row }) => publishedPorts(row).map((port) => port.PublicPort));
  assert.equal(new Set(ports).size, 20);
  assert.equal((await interfacesWithout(20)).length, 22);
  await Promise.all(up.map((container) => bringDown(engine, container)));
  await assertNothingLeft(engine);
  assert.equal(
    up.every(({ row }) => endpointDocuments(engine, row).bridge?.IPAddress === ""),
    true,
  );
});

test("a port that is taken is refused in Docker's words, and nothing is left of the attempt", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  const publish = (HostPort: string, HostIp = "", protocol = "tcp") => ({
    hostConfig: { PortBindings: { [`80/${protocol}`]: [{ HostIp, HostPort }] } },
  });
  const first = await bringUp(engine, addContainer(engine, "first", publish("8080")));
  const refused = async (name: string, wishes: Wishes, text: string) => {
    const row = addContainer(engine, name, wishes);
    await assert.rejects(setUpNetwork(engine, row), (error) => {
      assert.ok(isLadeError(error, "PORT_TAKEN"));
      const start = `driver failed programming external connectivity on endpoint ${name} (`;
      assert.equal(error.message.startsWith(start), true, error.message);
      assert.match(error.message, /^[^(]+\([0-9a-f]{64}\): /);
      assert.equal(error.message.endsWith(`: ${text}`), true, error.message);
      return true;
    });
    assert.equal(hasNamespace(engine.run, row.id), false);
    assert.equal(endpointDocuments(engine, row).bridge?.EndpointID, "");
  };
  await refused("a", publish("8080"), "Bind for 0.0.0.0:8080 failed: port is already allocated");
  await refused(
    "b",
    publish("8080", "127.0.0.1"),
    "Bind for 127.0.0.1:8080 failed: port is already allocated",
  );
  await using _host = await serveLine("", 9090, "the host's own");
  await refused("c", publish("9090"), "listen tcp4 0.0.0.0:9090: bind: address already in use");
  await refused(
    "d",
    publish("9091", "10.200.0.1"),
    "listen tcp4 10.200.0.1:9091: bind: cannot assign requested address",
  );
  // The same number of another protocol, and the next one of a range, are free.
  const udp = await bringUp(engine, addContainer(engine, "udp", publish("8080", "", "udp")));
  const range = await bringUp(engine, addContainer(engine, "range", publish("8080-8082")));
  assert.equal(publishedPorts(range.row)[0]?.PublicPort, 8081);
  const next = await bringUp(engine, addContainer(engine, "next", publish("8080-8082")));
  assert.equal(publishedPorts(next.row)[0]?.PublicPort, 8082);
  await refused("full", publish("8080-8082"), "all ports are allocated");
  for (const container of [first, udp, range, next]) await bringDown(engine, container);
  await bringDown(engine, await bringUp(engine, addContainer(engine, "again", publish("8080"))));
});

test("UDP, addresses of the host and -P are published", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  const server = await bringUp(
    engine,
    addContainer(engine, "server", {
      config: { ExposedPorts: { "80/tcp": {}, "53/udp": {}, "99/tcp": {} } },
      hostConfig: {
        PublishAllPorts: true,
        PortBindings: { "53/udp": [{ HostIp: "127.0.0.1", HostPort: "5353" }] },
      },
    }),
  );
  const ports = new Map(publishedPorts(server.row).map((port) => [port.PrivatePort, port]));
  assert.deepEqual(ports.get(53), {
    IP: "127.0.0.1",
    PrivatePort: 53,
    PublicPort: 5353,
    Type: "udp",
  });
  const web = ports.get(80)?.PublicPort ?? 0;
  assert.ok(web >= 1024 && web !== ports.get(99)?.PublicPort);
  await using _tcp = await serveLine(server.setup.namespace, 80, "over tcp");
  await using _udp = await serveLine(server.setup.namespace, 53, "over udp", "udp");
  assert.equal(await hearTcp("", "127.0.0.1", web), "over tcp");
  assert.equal(await askUdp("127.0.0.1", 5353), "over udp");
  await bringDown(engine, server);
});

test("a network with IPv6 gives addresses of both families", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  await createNetwork(engine, { name: "auto", enableIpv6: true });
  const asked = ipam({ Subnet: "10.77.1.0/24" }, { Subnet: "fd00:77::/64" });
  await createNetwork(engine, { name: "six", enableIpv6: true, ipam: asked });
  const auto = await inspectNetwork(engine, "auto");
  assert.match(auto.IPAM.Config[1]?.Subnet ?? "", /^fd[0-9a-f]{2}:[0-9a-f:]+::\/64$/);
  const on = { NetworkMode: "six" };
  const web = await bringUp(
    engine,
    addContainer(engine, "web", {
      hostConfig: { ...on, PortBindings: { "80/tcp": [{ HostPort: "8080" }] } },
    }),
  );
  const other = await bringUp(engine, addContainer(engine, "other", { hostConfig: on }));
  const document = endpointDocuments(engine, web.row).six;
  assert.equal(document?.IPAddress, "10.77.1.2");
  assert.equal(document?.GlobalIPv6Address, "fd00:77::2");
  assert.equal(document?.GlobalIPv6PrefixLen, 64);
  assert.equal(document?.IPv6Gateway, "fd00:77::1");
  assert.deepEqual(
    publishedPorts(web.row).map((port) => port.IP),
    ["0.0.0.0", "::"],
  );
  assert.match(readFileSync(networkFiles(engine, other.row).hosts, "utf8"), /^fd00:77::2\tweb /m);
  const server = await serveLine(web.setup.namespace, 80, "both");
  assert.equal(await hearTcp(other.setup.namespace, "fd00:77::2", 80), "both");
  assert.equal(await hearTcp(other.setup.namespace, "10.77.1.2", 80), "both");
  assert.equal(await hearTcp("", "fd00:77::2", 80), "both");
  assert.equal(await hearTcp("", "fd00:77::1", 8080), "both");
  await server[Symbol.asyncDispose]();
  for (const container of [web, other]) await bringDown(engine, container);
  await assertNothingLeft(engine);
  const rules6 = await run("ip6tables", ["-S"]);
  assert.doesNotMatch(rules6.stdout, /fd00:77/);
});

test("nothing leads out of an internal network, and a container is on several in order", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  await createNetwork(engine, { name: "inside", internal: true });
  await createNetwork(engine, {
    name: "outside",
    options: {
      "com.docker.network.driver.mtu": "1400",
      "com.docker.network.bridge.name": "mybridge",
      "com.docker.network.container_iface_prefix": "net",
    },
  });
  const both = await bringUp(
    engine,
    addContainer(engine, "both", {
      hostConfig: { NetworkMode: "inside", PortBindings: { "80/tcp": [{ HostPort: "8080" }] } },
      networking: { EndpointsConfig: { inside: {}, outside: { MacAddress: "02:42:AA:00:00:07" } } },
    }),
  );
  const hidden = await bringUp(
    engine,
    addContainer(engine, "hidden", { hostConfig: { NetworkMode: "inside" } }),
  );
  const show = async (namespace: string, ...args: string[]) =>
    (await runInNamespace(namespace, "ip", ...args)).stdout;
  assert.match(await show(both.setup.namespace, "route"), /^default via 172\.19\.0\.1 dev net0/);
  assert.doesNotMatch(await show(hidden.setup.namespace, "route"), /default/);
  const links = await show(both.setup.namespace, "link");
  assert.match(links, /net0@.* mtu 1400 [\s\S]*02:42:aa:00:00:07/);
  const interfaces = await interfacesWithout(3);
  assert.equal(interfaces.includes("mybridge"), true);
  const server = await serveLine(both.setup.namespace, 80, "in between");
  assert.equal(await hearTcp(hidden.setup.namespace, "172.18.0.2", 80), "in between");
  assert.equal(await hearTcp("", "127.0.0.1", 8080), "in between");
  // What published its ports goes: the next one takes them over.
  await createNetwork(engine, { name: "spare" });
  await connectNetwork(engine, "spare", "both");
  await disconnectNetwork(engine, "outside", "both");
  assert.equal(await hearTcp("", "127.0.0.1", 8080), "in between");
  await disconnectNetwork(engine, "spare", "both");
  assert.equal(await askTcp("", "127.0.0.1", 8080), "");
  await disconnectNetwork(engine, "inside", "both");
  assert.deepEqual(Object.keys(endpointDocuments(engine, both.row)), ["none"]);
  assert.doesNotMatch(await show(both.setup.namespace, "link"), /eth|net/);
  await connectNetwork(engine, "spare", "both");
  assert.equal(await hearTcp("", "127.0.0.1", 8080), "in between");
  await server[Symbol.asyncDispose]();
  for (const container of [both, hidden]) await bringDown(engine, container);
  await assertNothingLeft(engine);
});
