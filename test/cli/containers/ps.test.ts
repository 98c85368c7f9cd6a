// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerSummary } from "../../../src/engine/container-types.ts";
import { containerId, summary } from "./documents.ts";
import { fakeEngine } from "./fake-engine.ts";

function ps(argv: readonly string[], list: readonly ContainerSummary[] = [summary]) {
  return fakeEngine({ listContainers: list }).run(["ps", ...argv]);
}

/** What the engine is asked for. */
async function asked(...argv: string[]) {
  const engine = fakeEngine({ listContainers: [] });
  await engine.run(["ps", ...argv]);
  return engine.calls[0]?.[1];
}

const ports = "90-91/udp, 0.0.0.0:100-101->100-101/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp";

test("lists containers in Docker's table", async () => {
  const { stdout, code } = await ps([]);
  assert.equal(
    stdout,
    `CONTAINER ID   IMAGE            COMMAND                  CREATED         STATUS         ${"PORTS".padEnd(ports.length)}   NAMES\n` +
      `0123456789ab   busybox:latest   "/bin/sh -c 'while t…"   5 minutes ago   Up 5 minutes   ${ports}   web\n`,
  );
  assert.equal(code, 0);
  assert.equal(
    (await ps([], [])).stdout,
    "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n",
  );
});

test("shows sizes and everything whole where asked", async () => {
  const { stdout } = await ps(["-s", "--no-trunc"]);
  const [header = "", row = ""] = stdout.split("\n");
  assert.match(header, /NAMES {13}SIZE$/);
  assert.ok(row.startsWith(`${containerId}   busybox:latest   "/bin/sh -c 'while true; do`));
  assert.match(row, / {3}web,other\/alias {3}12\.3kB \(virtual 12\.3MB\)$/);
});

test("asks the engine for what is to be shown", async () => {
  const usual = { all: false, limit: -1, size: false, filters: [] };
  assert.deepEqual(await asked(), usual);
  assert.deepEqual(await asked("-a"), { ...usual, all: true });
  assert.deepEqual(await asked("-l"), { ...usual, limit: 1 });
  assert.deepEqual(await asked("-l", "-n", "3"), { ...usual, limit: 3 });
  assert.deepEqual(await asked("-s"), { ...usual, size: true });
  assert.deepEqual(await asked("-f", "status=exited"), {
    ...usual,
    filters: [{ key: "status", value: "exited" }],
  });
});

test("finds out sizes only where they are shown", async () => {
  const size = async (...argv: string[]) => ((await asked(...argv)) as { size: boolean }).size;
  assert.equal(await size("--format", "{{.Size}}"), true);
  assert.equal(await size("--format", "{{json .}}"), true);
  assert.equal(await size("--format", "{{.Names}}"), false);
  assert.equal(await size("--format", "json"), false);
  assert.equal(await size("--format", "{{.Size}}", "--size=false"), false);
  assert.equal(await size("-q", "--format", "{{.Size}}"), false);
});

test("has all of Docker's placeholders", async () => {
  const cases: [string, string][] = [
    ["{{.ID}}", "0123456789ab"],
    ["{{.Names}}", "web"],
    ["{{.Image}}", "busybox:latest"],
    ["{{.Command}}", '"/bin/sh -c \'while t…"'],
    ["{{.CreatedAt}}", "2026-03-15 11:55:00 +0000 UTC"],
    ["{{.RunningFor}}", "5 minutes ago"],
    ["{{.Ports}}", ports],
    ["{{.State}}", "running"],
    ["{{.Status}}", "Up 5 minutes"],
    ["{{.Size}}", "12.3kB (virtual 12.3MB)"],
    ["{{.Labels}}", "a=b,c,com.example.my-key=v"],
    ['{{.Label "com.example.my-key"}}{{.Label "gone"}}', "v"],
    ['{{"a" | .Label}}', "b,c"],
    ["{{.Mounts}}", "xxxxxxxxxxxxxx…,/very/long/sou…"],
    ["{{.LocalVolumes}}", "1"],
    ["{{.Networks}}", "bridge"],
    ["{{.Platform}}", "<nil>"],
  ];
  for (const [format, text] of cases) {
    const { stdout, stderr } = await ps(["--format", format]);
    assert.equal(stdout + stderr, `${text}\n`, format);
  }
});

test("writes tables and JSON of templates as Docker does", async () => {
  const table = 'table {{.ID}}\\t{{.Label "com.example.my-key"}}\\t{{.Names}}\\t{{.LocalVolumes}}';
  assert.equal(
    (await ps(["--format", table])).stdout,
    "CONTAINER ID   my key    NAMES     LOCAL VOLUMES\n0123456789ab   v         web       1\n",
  );
  const { stdout } = await ps(["--format", "json"]);
  assert.equal(
    stdout,
    '{"Command":"\\"/bin/sh -c \'while t…\\"","CreatedAt":"2026-03-15 11:55:00 +0000 UTC",' +
      '"ID":"0123456789ab","Image":"busybox:latest","Labels":"a=b,c,com.example.my-key=v",' +
      '"LocalVolumes":"1","Mounts":"xxxxxxxxxxxxxx…,/very/long/sou…","Names":"web",' +
      `"Networks":"bridge","Platform":null,"Ports":"${ports.replaceAll(">", "\\u003e")}",` +
      '"RunningFor":"5 minutes ago","Size":"12.3kB (virtual 12.3MB)","State":"running",' +
      '"Status":"Up 5 minutes"}\n',
  );
  assert.equal((await ps(["--format", "{{json .}}"])).stdout, stdout);
});

test("shows IDs alone, and says that it drops a format", async () => {
  assert.equal((await ps(["-q"])).stdout, "0123456789ab\n");
  assert.equal((await ps(["-q", "--no-trunc"])).stdout, `${containerId}\n`);
  const { stdout, stderr } = await ps(["-q", "--format", "{{.Names}}"]);
  assert.equal(stdout, "0123456789ab\n");
  assert.equal(
    stderr,
    "WARNING: Ignoring custom format, because both --format and --quiet are set.\n",
  );
});

test("a bad template fails before anything is listed", async () => {
  const cases: [string, string][] = [
    ["{{", "failed to parse template: template: :1: unclosed action"],
    [
      "{{.Foo}}",
      'failed to execute template: template: :1:2: executing "" at <.Foo>: ' +
        "can't evaluate field Foo in type *formatter.ContainerContext",
    ],
    [
      "{{.Label}}",
      'failed to execute template: template: :1:2: executing "" at <.Label>: ' +
        "wrong number of args for Label: want 1 got 0",
    ],
  ];
  for (const [format, message] of cases) {
    const engine = fakeEngine({ listContainers: [] });
    const { code, stderr } = await engine.run(["ps", "--format", format]);
    assert.equal(stderr, `${message}\n`);
    assert.equal(code, 1);
    assert.deepEqual(engine.calls, []);
  }
});

test("images are shown by name, short ID or as they were given", async () => {
  const shown = async (Image: string, ...argv: string[]) =>
    (await ps(["--format", "{{.Image}}", ...argv], [{ ...summary, Image }])).stdout.trimEnd();
  assert.equal(await shown(""), "<no image>");
  assert.equal(await shown(summary.ImageID), "dddddddddddd");
  assert.equal(await shown("dddddddddddd"), "dddddddddddd");
  const digest = `sha256:${"e".repeat(64)}`;
  assert.equal(await shown(`busybox@${digest}`), "busybox");
  assert.equal(await shown(`busybox:1.36@${digest}`), "busybox:1.36");
  assert.equal(await shown(`busybox@${digest}`, "--no-trunc"), `busybox@${digest}`);
  assert.equal(await shown("localhost:5000/a/b:c"), "localhost:5000/a/b:c");
  assert.equal(await shown("./web.tar"), "./web.tar");
});

test("a command can't drive the terminal", async () => {
  const evil = { ...summary, Command: "\u001b[2J", Labels: { "\u001b": "\u009b" } };
  const { stdout } = await ps(["--format", "table {{.Command}} {{.Labels}}"], [evil]);
  assert.ok(!/(?!\n)\p{Cc}/u.test(stdout), stdout);
});

test("every spelling lists", async () => {
  for (const path of [
    ["container", "ls"],
    ["container", "list"],
    ["container", "ps"],
  ]) {
    const engine = fakeEngine({ listContainers: [summary] });
    assert.equal((await engine.run([...path, "-q"])).stdout, "0123456789ab\n");
  }
});
