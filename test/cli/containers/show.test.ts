// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogRecord } from "../../../src/engine/container-types.ts";
import { container, containerId } from "./documents.ts";
import { fakeEngine, noSuchContainer } from "./fake-engine.ts";

test("port lists mappings in natural order", async () => {
  const engine = fakeEngine({ inspectContainer: container });
  const port = async (...argv: string[]) => {
    const { stdout, stderr } = await engine.run(["port", ...argv]);
    return stdout + stderr;
  };
  assert.equal(
    await port("web"),
    "9/udp -> 127.0.0.1:9\n9/udp -> 127.0.0.1:10\n80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n",
  );
  assert.equal(await port("web", "80"), "0.0.0.0:8080\n[::]:8080\n");
  assert.equal(await port("web", "80/tcp"), "0.0.0.0:8080\n[::]:8080\n");
  assert.equal(await port("web", "80/udp"), "Error: No public port '80/udp' published for web\n");
  assert.equal(await port("web", "81"), "Error: No public port '81' published for web\n");
  assert.equal(
    await port("web", "x/tcp"),
    'Error: invalid port (x): strconv.ParseUint: parsing "x": invalid syntax\n',
  );
  assert.equal(await port("nope"), noSuchContainer);
});

test("top sets processes in columns", async () => {
  const engine = fakeEngine({
    topContainer: {
      Titles: ["UID", "PID", "CMD"],
      Processes: [
        ["root", "1", "sh -c x"],
        ["nobody", "22", "\u001b[2J"],
      ],
    },
  });
  const { stdout } = await engine.run(["top", "web", "-o", "uid,pid,cmd"]);
  assert.equal(
    stdout,
    "UID                 PID                 CMD\n" +
      "root                1                   sh -c x\n" +
      "nobody              22                  \\x1b[2J\n",
  );
  assert.deepEqual(engine.calls, [["topContainer", "web", ["-o", "uid,pid,cmd"]]]);
});

test("diff shows one change a line", async () => {
  const engine = fakeEngine({
    diffContainer: [
      { kind: "changed", path: "/etc" },
      { kind: "added", path: "/etc/a\u001b" },
      { kind: "deleted", path: "/x" },
    ],
  });
  assert.equal((await engine.run(["diff", "web"])).stdout, "C /etc\nA /etc/a\u001b\nD /x\n");
  const onTerminal = await engine.run(["diff", "web"], { stdout: { isTerminal: true } });
  assert.equal(onTerminal.stdout, "C /etc\nA /etc/a\\x1b\nD /x\n");
  assert.equal((await engine.run(["diff", ""])).stderr, "Container name cannot be empty\n");
});

const records: LogRecord[] = [
  { stream: "stdout", time: "T1", bytes: Buffer.from("one\n"), isWhole: true },
  { stream: "stdout", time: "T2", bytes: Buffer.from("tw"), isWhole: false },
  { stream: "stderr", time: "T3", bytes: Buffer.from("err\n"), isWhole: true },
  { stream: "stdout", time: "T4", bytes: Buffer.from("o\n"), isWhole: true },
];

function logs(...argv: string[]) {
  const engine = fakeEngine({ inspectContainer: container });
  const calls: unknown[][] = [];
  const useCases = {
    ...engine.useCases,
    async *containerLogs(_engine: unknown, ...args: unknown[]) {
      calls.push(args);
      yield* records;
    },
  };
  return import("../fake-context.ts").then(async ({ run }) => ({
    ...(await run(["logs", ...argv], { useCases })),
    calls,
  }));
}

test("logs go where the output went", async () => {
  const { stdout, stderr, calls } = await logs("web");
  assert.equal(stdout, "one\ntwo\n");
  assert.equal(stderr, "err\n");
  const [id, { signal, ...options }] = calls[0] as [string, { signal: AbortSignal }];
  assert.equal(id, containerId);
  assert.ok(signal instanceof AbortSignal);
  assert.deepEqual(options, {
    follow: false,
    stdout: true,
    stderr: true,
    sinceNs: undefined,
    untilNs: undefined,
    tail: undefined,
  });
});

test("times and details stand before a line, not before its parts", async () => {
  const times = await logs("-t", "web");
  assert.equal(times.stdout, "T1 one\nT2 two\n");
  assert.equal(times.stderr, "T3 err\n");
  assert.equal((await logs("--details", "web")).stdout, " one\n two\n");
  assert.equal((await logs("-t", "--details", "web")).stdout, "T1  one\nT2  two\n");
});

test("logs are cut by number and time", async () => {
  const asked = async (...argv: string[]) =>
    (await logs(...argv, "web")).calls[0]?.[1] as Record<string, unknown>;
  assert.equal((await asked("-n", "5")).tail, 5);
  assert.equal((await asked("--tail", "0")).tail, 0);
  assert.equal((await asked("--tail", "-1")).tail, undefined);
  assert.equal((await asked("--tail", "many")).tail, undefined);
  assert.equal((await asked("-f")).follow, true);
  assert.equal((await asked("--since", "1136073600.000000001")).sinceNs, 1136073600000000001n);
  // A quarter of an hour before the test's now.
  const now = BigInt(Date.parse("2026-03-15T12:00:00Z")) * 1_000_000n;
  assert.equal((await asked("--until", "15m")).untilNs, now - 900_000_000_000n);
  const bad = await logs("--since", "x", "web");
  assert.match(
    bad.stderr,
    /^invalid value for "since": failed to parse value as time or duration: "x"\n/,
  );
  assert.equal(bad.code, 1);
  assert.equal((await logs("nope")).stderr, noSuchContainer);
});

test("templates see containers as Docker's Go types do", async () => {
  const cases: [string, string][] = [
    ["{{.Id}}", containerId],
    ["{{.ID}}", containerId],
    ["{{.State.Running}}", "true"],
    ["{{.State.Health}}", "<nil>"],
    ["{{if .State.Health}}y{{else}}n{{end}}", "n"],
    [
      "{{.State}}",
      "{running true false false false false 77 0  " +
        "2026-03-01T12:00:00.123456789Z 0001-01-01T00:00:00Z <nil>}",
    ],
    ["{{range .Mounts}}{{.Source}}:{{.Destination}}{{end}}", "/a:/b"],
    ["{{.Mounts}}", "[{bind  /a /b   true rprivate}]"],
    ["{{.NetworkSettings.Networks.bridge.IPAddress}}", "172.17.0.2"],
    [
      "{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}}{{end}}",
      "bridge=172.17.0.2",
    ],
    ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', "8080"],
    ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostIp}}', "0.0.0.0"],
    ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostIP}}', "0.0.0.0"],
    ["{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}", "5 <nil>"],
    ["{{.HostConfig.NanoCPUs}}", "0"],
    ["{{.Config.Labels}}", "map[a:b]"],
    ['{{index .Config.Labels "z"}}', ""],
    ["{{.SizeRw}}", "<nil>"],
    ["{{.NetworkSettings.IPAddress}}", ""],
    ["{{.HostConfig.PortBindings}}", "map[80/tcp:[{ 8080}]]"],
    ["{{.Config.ExposedPorts}}", "map[]"],
    ["{{.HostConfig.Dns}}", "[]"],
    ["{{.HostConfig.DNS}}", "[]"],
    ["{{json .Config.Cmd}}", '["-c","x"]'],
    ["{{json .Config}}", JSON.stringify(container.Config)],
    ["{{json .NetworkSettings.Ports}}", JSON.stringify(container.NetworkSettings.Ports)],
    ["{{json .}}", JSON.stringify(container)],
  ];
  const engine = fakeEngine({ inspectContainer: container });
  for (const path of [["inspect"], ["container", "inspect"], ["inspect", "--type", "container"]]) {
    for (const [template, text] of cases) {
      const { stdout, stderr } = await engine.run([...path, "-f", template, "web"]);
      assert.equal(stdout + stderr, `${text}\n`, template);
    }
  }
  const { stderr, code } = await engine.run(["inspect", "-f", "{{.Foo}}", "web"]);
  assert.equal(
    stderr,
    'template parsing error: template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"\n',
  );
  assert.equal(code, 1);
});

test("inspect looks for containers first, then for images, networks and volumes", async () => {
  const engine = fakeEngine({
    inspectContainer: container,
    inspectImage: container,
    inspectNetwork: container,
    inspectVolume: container,
  });
  await engine.run(["inspect", "web"]);
  assert.deepEqual(engine.calls, [["inspectContainer", "web", { size: false }]]);
  engine.calls.length = 0;
  const { stdout, stderr, code } = await engine.run(["inspect", "-s", "nope"]);
  assert.deepEqual(
    engine.calls.map(([name]) => name),
    ["inspectContainer", "inspectImage", "inspectNetwork", "inspectVolume"],
  );
  assert.equal(stdout, "[]\n");
  assert.equal(stderr, "error: no such object: nope\n");
  assert.equal(code, 1);
});

test("inspect --size asks for sizes of containers", async () => {
  const engine = fakeEngine({ inspectContainer: container });
  for (const path of [["inspect"], ["container", "inspect"]]) {
    engine.calls.length = 0;
    const { stderr } = await engine.run([...path, "-s", "web"]);
    assert.deepEqual(engine.calls, [["inspectContainer", "web", { size: true }]]);
    assert.equal(stderr, "");
  }
});
