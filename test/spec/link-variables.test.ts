// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { it } from "node:test";
import { linkVariables } from "../../src/spec/link-variables.ts";

it("a link tells of name, ports in TCP's order, ranges and variables", () => {
  const linked = {
    name: "/web/my-db",
    address: "172.17.0.2",
    ports: ["53/udp", "6001/tcp", "6000/tcp"],
    environment: ["USER=me", "PATH=/bin", "HOME=/", "EMPTY=", "NONE"],
  };
  assert.deepEqual(linkVariables(linked), [
    "MY_DB_PORT=tcp://172.17.0.2:6000",
    "MY_DB_PORT_6000_TCP=tcp://172.17.0.2:6000",
    "MY_DB_PORT_6000_TCP_ADDR=172.17.0.2",
    "MY_DB_PORT_6000_TCP_PORT=6000",
    "MY_DB_PORT_6000_TCP_PROTO=tcp",
    "MY_DB_PORT_6001_TCP=tcp://172.17.0.2:6001",
    "MY_DB_PORT_6001_TCP_ADDR=172.17.0.2",
    "MY_DB_PORT_6001_TCP_PORT=6001",
    "MY_DB_PORT_6001_TCP_PROTO=tcp",
    "MY_DB_PORT_53_UDP=udp://172.17.0.2:53",
    "MY_DB_PORT_53_UDP_ADDR=172.17.0.2",
    "MY_DB_PORT_53_UDP_PORT=53",
    "MY_DB_PORT_53_UDP_PROTO=udp",
    "MY_DB_PORT_6000_TCP_START=tcp://172.17.0.2:6000",
    "MY_DB_PORT_6000_TCP_PORT_START=6000",
    "MY_DB_PORT_6000_TCP_END=tcp://172.17.0.2:6001",
    "MY_DB_PORT_6000_TCP_PORT_END=6001",
    "MY_DB_NAME=/web/my-db",
    "MY_DB_ENV_USER=me",
    "MY_DB_ENV_EMPTY=",
  ]);
});

it("a container without ports has a name all the same", () => {
  const bare = { name: "/a/b", address: "10.0.0.1", ports: [], environment: [] };
  assert.deepEqual(linkVariables(bare), ["B_NAME=/a/b"]);
});
