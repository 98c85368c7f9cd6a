// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { networks } from "./documents.ts";
import { fakeEngine } from "./fake-engine.ts";

const ls = (...argv: string[]) =>
  fakeEngine({ listNetworks: networks }).run(["network", "ls", ...argv]);

test("lists networks by name", async () => {
  assert.equal(
    (await ls()).stdout,
    "NETWORK ID     NAME      DRIVER    SCOPE\n" +
      "aaaaaaaaaaaa   bridge    bridge    local\n" +
      "cccccccccccc   none      null      local\n",
  );
  assert.equal((await ls("-q")).stdout, "aaaaaaaaaaaa\ncccccccccccc\n");
  assert.equal((await ls("-q", "--no-trunc")).stdout, `${"a".repeat(64)}\n${"c".repeat(64)}\n`);
  assert.equal(
    (await ls("--format", "json")).stdout,
    '{"CreatedAt":"2026-03-01 12:00:00 +0000 UTC","Driver":"bridge","ID":"aaaaaaaaaaaa",' +
      '"IPv4":"true","IPv6":"true","Internal":"true","Labels":"x=y","Name":"bridge","Scope":"local"}\n' +
      '{"CreatedAt":"2026-03-01 12:00:00.123456789 +0000 UTC","Driver":"null",' +
      '"ID":"cccccccccccc","IPv4":"true","IPv6":"false","Internal":"false","Labels":"",' +
      '"Name":"none","Scope":"local"}\n',
  );
  assert.equal((await ls("--format", '{{.Label "x"}}|{{.Labels}}')).stdout, "y|x=y\n|\n");
});

test("creates networks with their addresses put together", async () => {
  const engine = fakeEngine({ createNetwork: { id: "n".repeat(64), warnings: [] } });
  const { stdout } = await engine.run([
    ...["network", "create", "-d", "bridge", "-o", "a=b", "--label", "c=d", "--internal"],
    ...["--subnet", "10.0.0.0/8,192.168.0.0/16", "--subnet", "fd00::/64", "--ipv6"],
    ...["--ip-range", "10.5.0.0/16", "--gateway", "192.168.0.9", "--gateway", "fd00::1", "mine"],
  ]);
  assert.equal(stdout, `${"n".repeat(64)}\n`);
  assert.deepEqual(engine.calls[0]?.[1], {
    name: "mine",
    driver: "bridge",
    internal: true,
    attachable: false,
    enableIpv6: true,
    ipam: {
      Driver: "default",
      Options: {},
      Config: [
        { Subnet: "10.0.0.0/8", IPRange: "10.5.0.0/16" },
        { Subnet: "192.168.0.0/16", Gateway: "192.168.0.9" },
        { Subnet: "fd00::/64", Gateway: "fd00::1" },
      ],
    },
    options: { a: "b" },
    labels: { c: "d" },
  });
});

test("addresses that don't fit together are refused in Docker's words", async () => {
  const engine = fakeEngine({ createNetwork: { id: "", warnings: [] } });
  const cases: [string, string][] = [
    [
      "--subnet 10.0.0.0/8 --subnet 10.1.0.0/16",
      "multiple overlapping subnet configuration is not supported",
    ],
    ["--gateway 10.0.0.1", "every ip-range or gateway must have a corresponding subnet"],
    ["--subnet 10.0.0.0/8 --gateway 11.0.0.1", "no matching subnet for gateway 11.0.0.1"],
    ["--subnet 10.0.0.0/8 --ip-range x", "invalid CIDR address: x"],
    ["--subnet 10.0.0.0/8 --ip-range 11.0.0.0/16", "no matching subnet for range 11.0.0.0/16"],
    ["--subnet x --gateway 10.0.0.1", "invalid subnet: invalid CIDR address: x"],
    [
      "--subnet 10.0.0.0/8,11.0.0.0/8 --gateway 10.0.0.1 --gateway 10.0.0.2",
      "cannot configure multiple gateways (10.0.0.2, 10.0.0.1) for the same subnet (10.0.0.0/8)",
    ],
    [
      "--subnet 10.0.0.0/8,11.0.0.0/8 --ip-range 10.1.0.0/16 --ip-range 10.2.0.0/16",
      "cannot configure multiple ranges (10.2.0.0/16, 10.1.0.0/16) on the same subnet (10.0.0.0/8)",
    ],
  ];
  for (const [options, message] of cases) {
    const { stderr, code } = await engine.run(["network", "create", ...options.split(" "), "n"]);
    assert.equal(stderr, `${message}\n`, options);
    assert.equal(code, 1);
  }
  assert.deepEqual(engine.calls, []);
});

test("what is a swarm's is refused by name", async () => {
  const engine = fakeEngine({ createNetwork: { id: "", warnings: [] } });
  for (const option of ["--ingress", "--config-only", "--scope=swarm", "--config-from=x"]) {
    const { stderr, code } = await engine.run(["network", "create", option, "n"]);
    assert.ok(stderr.startsWith(`flag is not supported: ${option.replace(/=.*/, "")}: `), stderr);
    assert.equal(code, 125);
  }
  const local = await engine.run(["network", "create", "--scope=local", "--ingress=false", "n"]);
  assert.equal(local.code, 0);
});

test("connects and disconnects", async () => {
  const engine = fakeEngine({ connectNetwork: undefined, disconnectNetwork: undefined });
  await engine.run([
    ...["network", "connect", "--alias", "a,b", "--ip", "10.0.0.9", "--link", "other:o"],
    ...["--driver-opt", "k=v", "net", "ctr"],
  ]);
  await engine.run(["network", "connect", "net", "ctr"]);
  await engine.run(["network", "disconnect", "-f", "net", "ctr"]);
  assert.deepEqual(engine.calls, [
    [
      "connectNetwork",
      "net",
      "ctr",
      {
        IPAMConfig: { IPv4Address: "10.0.0.9" },
        Links: ["other:o"],
        Aliases: ["a", "b"],
        DriverOpts: { k: "v" },
      },
    ],
    ["connectNetwork", "net", "ctr", { IPAMConfig: {}, DriverOpts: {} }],
    ["disconnectNetwork", "net", "ctr", { force: true }],
  ]);
  const bad = await engine.run(["network", "connect", "--driver-opt", "x", "n", "c"]);
  assert.equal(bad.stderr, "invalid key/value pair format in driver options\n");
});

test("removes networks, and tells of failures as they come", async () => {
  const engine = fakeEngine({ removeNetwork: undefined });
  const { stdout, stderr, code } = await engine.run(["network", "rm", "a", "nope", "b"]);
  assert.equal(stdout, "a\nb\n");
  assert.equal(stderr, "Error response from daemon: network nope not found\nexit status 1\n");
  assert.equal(code, 1);
  const forced = await engine.run(["network", "remove", "-f", "nope", "b"]);
  assert.equal(forced.stdout, "b\n");
  assert.equal(forced.stderr, "");
  assert.equal(forced.code, 0);
});

test("inspects networks", async () => {
  const engine = fakeEngine({ inspectNetwork: networks[1] });
  for (const path of [
    ["network", "inspect"],
    ["inspect", "--type", "network"],
  ]) {
    const { stdout } = await engine.run([
      ...path,
      "-f",
      "{{.ID}} {{.IPAM.Driver}} {{.Containers}}",
      "b",
    ]);
    assert.equal(stdout, `${"a".repeat(64)} default map[]\n`);
  }
});
