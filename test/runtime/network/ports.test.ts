// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { parseIpv4Routes, parseIpv6Routes } from "../../../src/runtime/network/host-state.ts";
import {
  closeAll,
  holdPorts,
  parseContainerPort,
  portMapOf,
  requestedPorts,
} from "../../../src/runtime/network/ports.ts";
import { formatIpPrefix } from "../../../src/spec/ip-address.ts";
import { enterPrivateNetwork } from "../../helpers/private-network.ts";

enterPrivateNetwork();

test("container ports: numbers with a protocol, and nothing else", () => {
  assert.deepEqual(parseContainerPort("80"), { port: 80, protocol: "tcp" });
  assert.deepEqual(parseContainerPort("53/udp"), { port: 53, protocol: "udp" });
  for (const text of ["", "0", "65536", "80/icmp", "80/tcp/udp", "-1", "8o", "80-81/tcp", " 80"]) {
    assert.throws(() => parseContainerPort(text), { code: "CONTAINER_INVALID" }, text);
  }
});

test("requested ports: wrong bindings are refused, exact ones come first", () => {
  const asked = (binding: object) => requestedPorts({}, { PortBindings: { "80/tcp": [binding] } });
  for (const HostPort of ["x", "-1", "70000", "9-8", "1-2-3", "80 "]) {
    assert.throws(() => asked({ HostPort }), { code: "CONTAINER_INVALID" }, HostPort);
  }
  for (const HostIp of ["localhost", "1.2.3", "1.2.3.4.5", "::g"]) {
    assert.throws(() => asked({ HostIp }), { code: "CONTAINER_INVALID" }, HostIp);
  }
  const ports = requestedPorts(
    { ExposedPorts: { "1/tcp": {}, "2/udp": {} } },
    {
      PublishAllPorts: true,
      PortBindings: { "2/udp": [{ HostPort: "20-29" }, { HostPort: "25" }] },
    },
  );
  assert.deepEqual(
    ports.map((port) => [port.containerPort, port.firstPort, port.lastPort]),
    [
      [2, 25, 25],
      [2, 20, 29],
      [1, 0, 0],
    ],
  );
});

test("chosen ports are never taken ones, and all of a failed choice is given back", () => {
  const first = 20_000;
  const taken = fc.uniqueArray(fc.integer({ min: first, max: first + 9 }), { maxLength: 10 });
  fc.assert(
    fc.property(taken, fc.integer({ min: 1, max: 10 }), (numbers, count) => {
      const choice = {
        taken: numbers.map((hostPort) => ({
          protocol: "tcp" as const,
          containerPort: 1,
          hostIp: "0.0.0.0",
          hostPort,
        })),
        ephemeral: [first, first + 9] as const,
        allAddresses: ["0.0.0.0"],
      };
      const requests = Array.from({ length: count }, (_, index) => ({
        protocol: "tcp" as const,
        containerPort: index + 1,
        hostIp: "",
        firstPort: 0,
        lastPort: 0,
      }));
      if (count > 10 - numbers.length) {
        assert.throws(() => holdPorts(requests, choice), { code: "PORT_TAKEN" });
      } else {
        const held = holdPorts(requests, choice);
        const got = held.ports.map((port) => port.hostPort);
        assert.equal(new Set([...got, ...numbers]).size, count + numbers.length);
        closeAll(held.sockets);
      }
      // All are free again.
      const all = holdPorts(
        Array.from({ length: 10 }, (_, index) => ({
          protocol: "tcp" as const,
          containerPort: 1,
          hostIp: "",
          firstPort: first + index,
          lastPort: first + index,
        })),
        { ...choice, taken: [] },
      );
      closeAll(all.sockets);
    }),
    { numRuns: 50 },
  );
});

test("ports as inspect shows them", () => {
  const port = { protocol: "tcp" as const, containerPort: 80, hostIp: "0.0.0.0", hostPort: 8080 };
  const map = portMapOf(
    { ExposedPorts: { "99/tcp": {}, "80/tcp": {} } },
    { PortBindings: { "53/udp": [] } },
    [port, { ...port, hostIp: "::" }],
  );
  assert.deepEqual(map, {
    "99/tcp": null,
    "80/tcp": [
      { HostIp: "0.0.0.0", HostPort: "8080" },
      { HostIp: "::", HostPort: "8080" },
    ],
    "53/udp": null,
  });
});

test("routes of the host are read as the kernel writes them", () => {
  const ipv4 = [
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
    "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
    "lade0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0",
    "",
  ].join("\n");
  const shown = (routes: ReturnType<typeof parseIpv4Routes>) =>
    routes.map((route) => `${formatIpPrefix(route.prefix)} ${route.interface}`);
  assert.deepEqual(shown(parseIpv4Routes(ipv4)), [
    "0.0.0.0/0 eth0",
    "192.0.2.0/24 eth0",
    "172.17.0.0/16 lade0",
  ]);
  const zeros = "0".repeat(32);
  const ipv6 = [
    `fd000000000000000000000000000000 40 ${zeros} 00 ${zeros} 00000100 00000001 00000000 00000001     eth0`,
    `fe800000000000000000000000000000 40 ${zeros} 00 ${zeros} 00000100 00000001 00000000 00000001     eth0`,
    "",
  ].join("\n");
  assert.deepEqual(shown(parseIpv6Routes(ipv6)), ["fd00::/64 eth0"]);
});
