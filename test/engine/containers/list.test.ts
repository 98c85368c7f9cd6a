// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type ContainerState, createdState } from "../../../src/content/containers.ts";
import { statusText } from "../../../src/engine/container-state.ts";
import { inspectContainer } from "../../../src/engine/inspect-container.ts";
import { listContainers } from "../../../src/engine/list-containers.ts";
import { pauseContainer } from "../../../src/engine/pause.ts";
import { pruneContainers } from "../../../src/engine/prune-containers.ts";
import { diskUsage, systemInfo } from "../../../src/engine/system.ts";
import { code } from "./asserts.ts";
import { type Box, body, create, openBox, run, start } from "./box.ts";

let box: Box;
before(async () => {
  box = await openBox();
  await create(box, { name: "made", body: body("true", { Labels: { tier: "web", x: "1" } }) });
  await run(box, {
    name: "failed",
    body: body("head -c 5000 /dev/zero >/data/big; exit 3", { host: { Binds: ["vol:/v"] } }),
  });
  await start(box, {
    name: "running",
    body: body(["sleep", "1000"], { Labels: { tier: "db" }, ExposedPorts: { "80/tcp": {} } }),
  });
  await start(box, { name: "paused", body: body("sleep 1000 && echo a b") });
  await pauseContainer(box.engine, "paused");
});
after(() => box[Symbol.asyncDispose]());

async function names(...filters: readonly string[]): Promise<string[]> {
  const list = await listContainers(box.engine, {
    all: true,
    filters: filters.map((text) => {
      const [key = "", ...value] = text.split("=");
      return { key, value: value.join("=") };
    }),
  });
  return list.map(({ Names: [name] }) => name?.slice(1) ?? "");
}

test("newest first; only what runs unless all are wanted", async () => {
  const { engine } = box;
  const shown = async (options: Parameters<typeof listContainers>[1]) =>
    (await listContainers(engine, options)).map(({ Names: [name] }) => name);
  assert.deepEqual(await shown({}), ["/paused", "/running"]);
  assert.deepEqual(await shown({ all: true }), ["/paused", "/running", "/failed", "/made"]);
  assert.deepEqual(await shown({ limit: 3 }), ["/paused", "/running", "/failed"]);
  const [paused, running, failed] = await listContainers(engine, { all: true, size: true });
  assert.equal(running?.Command, "sleep 1000");
  assert.equal(paused?.Command, "sh -c 'sleep 1000 && echo a b'");
  assert.equal(running?.Image, "box:1");
  assert.equal(running?.SizeRw, 0);
  assert.equal(failed?.SizeRw, 5000);
  assert.equal(failed?.SizeRootFs, (running?.SizeRootFs ?? 0) + 5000);
  assert.equal(failed?.Mounts[0]?.Name, "vol");
  assert.deepEqual(Object.keys(running?.NetworkSettings.Networks ?? {}), ["none"]);
});

test("all filters", async () => {
  const { Id: id, Image: imageId } = await inspectContainer(box.engine, "failed");
  for (const [filters, expected] of [
    [["name=a"], ["paused", "failed", "made"]],
    [["name=^/made$"], ["made"]],
    [
      ["name=^made$", "name=failed"],
      ["failed", "made"],
    ],
    [[`id=${id.slice(0, 20)}`], ["failed"]],
    [["id=zz"], []],
    [["label=tier"], ["running", "made"]],
    [["label=tier=web", "label=x=1"], ["made"]],
    [["exited=3"], ["failed"]],
    [["exited=0"], []],
    [["status=paused"], ["paused"]],
    [
      ["status=created", "status=exited"],
      ["failed", "made"],
    ],
    [["ancestor=box:1"], ["paused", "running", "failed", "made"]],
    [[`ancestor=${imageId}`], ["paused", "running", "failed", "made"]],
    [["ancestor=nope"], []],
    [["before=running"], ["failed", "made"]],
    [["since=failed"], ["paused", "running"]],
    [["volume=vol"], ["failed"]],
    [["volume=/v"], ["failed"]],
    [["network=none"], ["paused", "running", "failed", "made"]],
    [["network=bridge"], []],
    [["health=none"], ["paused", "running", "failed", "made"]],
    [["health=healthy"], []],
    [["expose=1-100"], []],
    [["publish=80/tcp"], []],
    [["is-task=true"], []],
    [["is-task=false"], ["paused", "running", "failed", "made"]],
    [["isolation=default"], ["paused", "running", "failed", "made"]],
  ] as const) {
    assert.deepEqual(await names(...filters), expected, filters.join(" "));
  }
  for (const filter of [
    "foo=1",
    "status=foo",
    "health=foo",
    "exited=x",
    "expose=1:2",
    "publish=x",
  ]) {
    await assert.rejects(names(filter), code("FILTER_INVALID"), filter);
  }
  await assert.rejects(names("before=nope"), code("CONTAINER_NOT_FOUND"));
});

test("what `info` and `df` count", async () => {
  const { containers } = await systemInfo(box.engine);
  assert.deepEqual(containers, { total: 4, running: 1, paused: 1, stopped: 2 });
  const usage = await diskUsage(box.engine);
  assert.deepEqual(
    usage.images.map((one) => one.containers),
    [4],
  );
  assert.equal(usage.reclaimable, 0);
  assert.equal(usage.containers.length, 4);
  assert.deepEqual(
    usage.volumes.map((volume) => [volume.Name, volume.UsageData]),
    [["vol", { RefCount: 1, Size: 0 }]],
  );
});

test("prune takes what does not run and fits", async () => {
  const { engine } = box;
  const none = await pruneContainers(engine, [{ key: "until", value: "1h" }]);
  assert.deepEqual(none, { containersDeleted: [], spaceReclaimed: 0 });
  const labelled = await pruneContainers(engine, [{ key: "label", value: "tier" }]);
  assert.equal(labelled.containersDeleted.length, 1);
  const rest = await pruneContainers(engine);
  assert.equal(rest.containersDeleted.length, 1);
  assert.equal(rest.spaceReclaimed, 5000);
  assert.deepEqual(await names(), ["paused", "running"]);
  await assert.rejects(pruneContainers(engine, [{ key: "x", value: "" }]), code("FILTER_INVALID"));
});

test("states in Docker's words", () => {
  const now = Date.parse("2026-01-01T01:00:00Z");
  const text = (state: Partial<ContainerState>) => statusText({ ...createdState, ...state }, now);
  const startedAt = "2026-01-01T00:58:59Z";
  const finishedAt = "2026-01-01T00:59:57Z";
  const health = (status: "starting" | "healthy" | "unhealthy") => ({
    status: "running" as const,
    startedAt,
    health: { status, failingStreak: 0, log: [] },
  });
  assert.equal(text({}), "Created");
  assert.equal(text({ status: "running", startedAt }), "Up About a minute");
  assert.equal(text(health("starting")), "Up About a minute (health: starting)");
  assert.equal(text(health("unhealthy")), "Up About a minute (unhealthy)");
  assert.equal(text({ status: "paused", startedAt }), "Up About a minute (Paused)");
  assert.equal(text({ status: "exited", finishedAt, exitCode: 7 }), "Exited (7) 3 seconds ago");
  assert.equal(
    text({ status: "restarting", finishedAt, exitCode: 1 }),
    "Restarting (1) 3 seconds ago",
  );
  assert.equal(text({ status: "dead" }), "Dead");
  assert.equal(text({ status: "removing" }), "Removal In Progress");
});
