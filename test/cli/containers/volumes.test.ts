// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { volumes } from "./documents.ts";
import { fakeEngine } from "./fake-engine.ts";

const ls = (...argv: string[]) =>
  fakeEngine({ listVolumes: volumes }).run(["volume", "ls", ...argv]);

test("lists volumes in natural order", async () => {
  assert.equal((await ls()).stdout, "DRIVER    VOLUME NAME\nlocal     v2\nlocal     v10\n");
  assert.equal((await ls("-q")).stdout, "v2\nv10\n");
  assert.equal(
    (await ls("--format", 'table {{.Name}}\\t{{.Label "a"}}')).stdout,
    "VOLUME NAME   a\nv2            \nv10           1\n",
  );
  assert.equal(
    (await ls("--format", "json")).stdout.split("\n")[1],
    '{"Availability":"N/A","Driver":"local","Group":"N/A","Labels":"a=1,b=2","Links":"N/A",' +
      '"Mountpoint":"/m/v10","Name":"v10","Scope":"local","Size":"N/A","Status":"N/A"}',
  );
});

test("hands filters on", async () => {
  const engine = fakeEngine({ listVolumes: [] });
  await engine.run(["volume", "list", "-f", "dangling=true"]);
  assert.deepEqual(engine.calls, [["listVolumes", [{ key: "dangling", value: "true" }]]]);
});

test("creates volumes with options and labels", async () => {
  const engine = fakeEngine({ createVolume: { ...volumes[0], Name: "made" } });
  const argv = ["volume", "create", "-o", "type=tmpfs", "-o", "o=size=1m", "--label", "a=b", "x"];
  assert.equal((await engine.run(argv)).stdout, "made\n");
  assert.deepEqual(engine.calls[0]?.[1], {
    name: "x",
    driver: "local",
    options: { type: "tmpfs", o: "size=1m" },
    labels: { a: "b" },
  });
  await engine.run(["volume", "create"]);
  assert.deepEqual(engine.calls[1]?.[1], {
    name: undefined,
    driver: "local",
    options: {},
    labels: {},
  });
  await engine.run(["volume", "create", "--name", "y"]);
  assert.deepEqual(engine.calls[2]?.[1], {
    name: "y",
    driver: "local",
    options: {},
    labels: {},
  });
  const both = await engine.run(["volume", "create", "--name", "a", "b"]);
  assert.equal(
    both.stderr,
    "conflicting options: cannot specify a volume-name through both --name and as a positional arg\n",
  );
  const cluster = await engine.run(["volume", "create", "--group", "g"]);
  assert.equal(cluster.code, 125);
  assert.match(cluster.stderr, /^flag is not supported: --group: /);
});

test("removes volumes one after the other", async () => {
  const engine = fakeEngine({ removeVolume: undefined });
  const { stdout, stderr, code } = await engine.run(["volume", "rm", "a", "nope", "b"]);
  assert.equal(stdout, "a\nb\n");
  assert.equal(stderr, "Error response from daemon: get nope: no such volume\n");
  assert.equal(code, 1);
  await engine.run(["volume", "remove", "-f", "c"]);
  assert.deepEqual(engine.calls.at(-1), ["removeVolume", "c", { force: true }]);
});

test("inspects volumes", async () => {
  const engine = fakeEngine({ inspectVolume: volumes[0] });
  const { stdout } = await engine.run(["volume", "inspect", "v10"]);
  assert.deepEqual(JSON.parse(stdout), [volumes[0]]);
  for (const path of [
    ["volume", "inspect"],
    ["inspect", "--type", "volume"],
  ]) {
    const format = '{{.Mountpoint}} {{.Labels}} {{index .Options "x"}} {{.Status}}';
    assert.equal(
      (await engine.run([...path, "-f", format, "v10"])).stdout,
      "/m/v10 map[a:1 b:2]  map[]\n",
    );
  }
});
