// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { endpointDocuments, publishedPorts } from "../../../src/engine/network-documents.ts";
import { networkFiles } from "../../../src/engine/network-files.ts";
import { hostInterfaces } from "../../../src/runtime/network/host-state.ts";
import { hasNamespace } from "../../../src/runtime/network/namespaces.ts";
import { askTcp, enterPrivateNetwork, serveLine } from "../../helpers/private-network.ts";
import { run } from "../../helpers/tools.ts";
import { addContainer, bringDown, bringUp, openNetworkStore } from "./rows.ts";

enterPrivateNetwork();

async function rules(): Promise<string> {
  const tables = await Promise.all(
    ["filter", "nat"].map((table) => run("iptables", ["-t", table, "-S"])),
  );
  return tables.map((table) => table.stdout).join("");
}

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
  await using _server = await serveLine(web.setup.namespace, 80, "hello from web");

  const document = endpointDocuments(engine, web.row).bridge;
  assert.equal(document?.IPAddress, "172.17.0.2");
  assert.equal(document?.Gateway, "172.17.0.1");
  assert.equal(document?.IPPrefixLen, 16);
  assert.equal(document?.MacAddress, "02:42:ac:11:00:02");
  assert.equal(endpointDocuments(engine, other.row).bridge?.IPAddress, "172.17.0.3");
  assert.deepEqual(publishedPorts(web.row), [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
  ]);

  assert.equal(await askTcp(other.setup.namespace, "172.17.0.2", 80), "hello from web");
  assert.equal(await askTcp("", "127.0.0.1", 8080), "hello from web");
  assert.equal(await askTcp("", "172.17.0.1", 8080), "hello from web");
  assert.equal(await askTcp("", "172.17.0.2", 80), "hello from web");
  assert.equal(await askTcp(other.setup.namespace, "172.17.0.1", 8080), "hello from web");

  // As with Docker, names don't count on the default bridge.
  const hosts = readFileSync(networkFiles(engine, other.row).hosts, "utf8");
  assert.match(hosts, new RegExp(`^172\\.17\\.0\\.3\t${other.row.id.slice(0, 12)}$`, "m"));
  assert.doesNotMatch(hosts, /web/);

  await bringDown(engine, web);
  assert.equal(await askTcp("", "127.0.0.1", 8080), "");
  assert.equal(hasNamespace(engine.run, web.row.id), false);
  await bringDown(engine, other);
  assert.deepEqual(hostInterfaces(), ["lo"]);
  assert.doesNotMatch(await rules(), /172\.17|8080/);
});
