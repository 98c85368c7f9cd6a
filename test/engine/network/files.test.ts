// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { findContainer } from "../../../src/engine/find-container.ts";
import { linkEnvironment } from "../../../src/engine/link-environment.ts";
import { createNetwork } from "../../../src/engine/network-create.ts";
import { networkFiles } from "../../../src/engine/network-files.ts";
import { checkNetworkMode } from "../../../src/engine/network-mode.ts";
import { removeContainer } from "../../../src/engine/remove-container.ts";
import { enterPrivateNetwork } from "../../helpers/private-network.ts";
import { addContainer, assertNothingLeft, bringDown, bringUp, openNetworkStore } from "./rows.ts";

enterPrivateNetwork();

test("extra hosts, name servers and links come into the container's files", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  const db = await bringUp(engine, addContainer(engine, "db"));
  const web = await bringUp(
    engine,
    addContainer(engine, "web", {
      config: { Hostname: "front", Domainname: "example.org" },
      hostConfig: {
        ExtraHosts: ["host.docker.internal:host-gateway", "six:[fd00::6]", "four:10.0.0.4"],
        Links: ["db:store"],
        Dns: ["10.0.0.53"],
        DnsSearch: ["example.org"],
        DnsOptions: ["ndots:3"],
      },
    }),
  );
  const files = networkFiles(engine, web.row);
  const hosts = readFileSync(files.hosts, "utf8");
  assert.match(hosts, /^172\.17\.0\.1\thost\.docker\.internal$/m);
  assert.match(hosts, /^fd00::6\tsix$/m);
  assert.match(hosts, /^10\.0\.0\.4\tfour$/m);
  assert.match(hosts, /^172\.17\.0\.3\tfront\.example\.org front$/m);
  assert.match(hosts, new RegExp(`^172\\.17\\.0\\.2\tstore ${db.row.id.slice(0, 12)} db$`, "m"));
  assert.equal(readFileSync(files.hostname, "utf8"), "front\n");
  assert.deepEqual(linkEnvironment(engine.store.database, web.row), ["STORE_NAME=/web/store"]);
  const resolv = readFileSync(files.resolvConf, "utf8");
  assert.equal(resolv, "nameserver 10.0.0.53\nsearch example.org\noptions ndots:3\n");

  // The link's target comes back with another address.
  await bringDown(engine, db);
  const other = await bringUp(engine, addContainer(engine, "other"));
  const again = await bringUp(engine, db.row);
  assert.match(readFileSync(files.hosts, "utf8"), /^172\.17\.0\.4\tstore /m);
  await removeContainer(engine, "/web/store", { link: true });
  assert.doesNotMatch(readFileSync(files.hosts, "utf8"), /store/);
  const gone = findContainer(engine.store, "web");
  assert.deepEqual(gone.definition.hostConfig.Links, []);
  await assert.rejects(removeContainer(engine, "web/store", { link: true }), {
    code: "CONTAINER_NOT_FOUND",
  });
  await assert.rejects(removeContainer(engine, "/web", { link: true }), {
    message: "Conflict, cannot remove the default link name of the container",
  });
  await assert.rejects(removeContainer(engine, "none/store", { link: true }), {
    message: "Cannot get parent /none for link name /none/store",
  });
  for (const container of [web, other, again]) await bringDown(engine, container);
  await assert.rejects(bringUp(engine, web.row), {
    code: "CONTAINER_NOT_RUNNING",
    message: "Cannot link to a non running container: /db AS /web/store",
  });
  await bringDown(engine, { row: web.row, setup: { ...web.setup, portSockets: [] } });
  await assertNothingLeft(engine);
});

test("a network's name may have what no hosts file can", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  await createNetwork(engine, { name: "my net" });
  const on = { hostConfig: { NetworkMode: "my net" } };
  const db = await bringUp(engine, addContainer(engine, "db", on));
  const web = await bringUp(engine, addContainer(engine, "web", on));
  const hosts = readFileSync(networkFiles(engine, web.row).hosts, "utf8");
  assert.match(hosts, new RegExp(`^172\\.18\\.0\\.2\tdb ${db.row.id.slice(0, 12)}$`, "m"));
  for (const container of [db, web]) await bringDown(engine, container);
});

test("on a network of its own a link is a name that only its container knows", async () => {
  await using fixture = await openNetworkStore();
  const { engine } = fixture;
  await createNetwork(engine, { name: "mine" });
  const on = (settings: object) => ({
    hostConfig: { NetworkMode: "mine" },
    networking: { EndpointsConfig: { mine: settings } },
  });
  const db = await bringUp(engine, addContainer(engine, "db", on({})));
  const web = await bringUp(engine, addContainer(engine, "web", on({ Links: ["db:store"] })));
  const rest = await bringUp(engine, addContainer(engine, "rest", on({})));
  const hosts = (container: typeof db) =>
    readFileSync(networkFiles(engine, container.row).hosts, "utf8");
  assert.match(hosts(web), /^172\.18\.0\.2\tstore /m);
  assert.match(hosts(rest), /^172\.18\.0\.2\tdb /m);
  assert.doesNotMatch(hosts(rest), /store/);
  for (const container of [db, web, rest]) await bringDown(engine, container);
  await assertNothingLeft(engine);
});

test("options that don't go together are refused in Docker's words", () => {
  const refused = (hostConfig: object, message: string | RegExp, config: object = {}) =>
    assert.throws(() => checkNetworkMode({ config, hostConfig, networking: {} }), {
      code: "CONTAINER_INVALID",
      message,
    });
  const shared = { NetworkMode: "container:web" };
  refused({ NetworkMode: "container:" }, "invalid container format container:<name|id>");
  refused({ ...shared, Dns: ["10.0.0.1"] }, "conflicting options: dns and the network mode");
  refused(shared, "conflicting options: hostname and the network mode", { Hostname: "a" });
  refused(
    { ...shared, PublishAllPorts: true },
    "conflicting options: port publishing and the container type network mode",
  );
  refused(
    { ...shared, ExtraHosts: ["a:10.0.0.1"] },
    "conflicting options: custom host-to-IP mapping and the network mode",
  );
  refused(
    { NetworkMode: "host", Links: ["db"] },
    "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
  );
  refused({ Dns: ["nine"] }, "nine is not an ip address");
  refused({ ExtraHosts: ["a"] }, 'bad format for add-host: "a"');
  refused({ ExtraHosts: ["a\nb:10.0.0.1"] }, /^bad format for add-host/);
  refused({ ExtraHosts: ["a:x"] }, 'invalid IP address in add-host: "x"');
  refused({ PortBindings: { "80/tcp": [{ HostPort: "x" }] } }, /^invalid port specification: "x"/);
});
