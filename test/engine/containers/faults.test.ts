// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { setContainerState } from "../../../src/content/containers.ts";
import { blobPath, erofsPath, indexPath } from "../../../src/content/paths.ts";
import { findContainer } from "../../../src/engine/find-container.ts";
import { inspectContainer } from "../../../src/engine/inspect-container.ts";
import { killContainer } from "../../../src/engine/kill.ts";
import { listContainers } from "../../../src/engine/list-containers.ts";
import { pruneContainers } from "../../../src/engine/prune-containers.ts";
import { removeContainer } from "../../../src/engine/remove-container.ts";
import { startContainer } from "../../../src/engine/start.ts";
import { waitContainer } from "../../../src/engine/wait.ts";
import type { Digest } from "../../../src/spec/digest.ts";
import { code } from "./asserts.ts";
import {
  assertNothingLeft,
  assertNothingRuns,
  type Box,
  body,
  create,
  eventually,
  monitorOf,
  openBox,
  reboot,
  run,
  start,
} from "./box.ts";

const sleeper = body("sleep 1000");

async function statusOf({ engine }: Pick<Box, "engine">, id: string): Promise<string> {
  const all = await listContainers(engine, { all: true });
  return all.find((one) => one.Id === id)?.Status ?? "gone";
}

test("a container whose process is killed has exited with 137", async () => {
  await using box = await openBox();
  const id = await start(box, { body: sleeper });
  const { Pid: pid } = (await inspectContainer(box.engine, id)).State;
  process.kill(pid, "SIGKILL");
  assert.deepEqual(await waitContainer(box.engine, id), { exitCode: 137 });
  await assertNothingRuns(box);
});

test("a container outlives its monitor, can be stopped and started again", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, { body: sleeper });
  process.kill(monitorOf(box, id).pid, "SIGKILL");
  assert.match(await statusOf(box, id), /^Up /);
  await killContainer(engine, id);
  const { State: state } = await inspectContainer(engine, id);
  // Nobody was there to hear the exit code.
  assert.deepEqual([state.Status, state.ExitCode], ["exited", 255]);
  await assertNothingRuns(box);
  await startContainer(engine, id);
  await removeContainer(engine, id, { force: true });
  await assertNothingLeft(box);
});

test("monitor and process killed together: `ps` tells it, and when", async () => {
  await using box = await openBox();
  const id = await start(box, { body: sleeper });
  const { Pid: pid } = (await inspectContainer(box.engine, id)).State;
  process.kill(monitorOf(box, id).pid, "SIGKILL");
  process.kill(pid, "SIGKILL");
  await eventually("the end", async () => (await statusOf(box, id)).startsWith("Exited (255)"));
  const finished = (await inspectContainer(box.engine, id)).State.FinishedAt;
  await delay(50);
  assert.equal((await inspectContainer(box.engine, id)).State.FinishedAt, finished);
  await assertNothingRuns(box);
});

/** Starts a container by a command of its own, which is then killed at a given moment. */
async function startAndKill(box: Box, id: string, when: (pid: number) => Promise<void>) {
  const child = spawn(
    box.engine.self[0] ?? "",
    [...box.engine.self.slice(1), "--root", box.engine.store.paths.root, "start", "-a", id],
    { stdio: "ignore", env: { ...process.env, LADE_RUN_ROOT: box.engine.run.root } },
  );
  const exited = once(child, "exit");
  await when(child.pid ?? 0);
  child.kill("SIGKILL");
  await exited;
}

test("lade killed at any moment of a start: the container can be started or removed", async () => {
  await using box = await openBox();
  const { engine } = box;
  for (const [index, delayMs] of [150, 220, 260, 300, 340, 400, 480].entries()) {
    const id = await create(box, { name: `c${index}`, body: sleeper });
    await startAndKill(box, id, () => delay(delayMs));
    const status = await statusOf(box, id);
    assert.match(status, /^(?:Created|Up .*)$/, `after ${delayMs} ms`);
    if (status === "Created") {
      const { attachment } = await startContainer(engine, id);
      assert.equal(attachment, undefined);
    }
    assert.match(await statusOf(box, id), /^Up /);
    if (index % 2 === 0) await killContainer(engine, id);
    await removeContainer(engine, id, { force: true });
  }
  await assertNothingLeft(box);
});

test("who is attached is killed: the container lives on, and its monitor sees to its end", async () => {
  await using box = await openBox();
  const id = await create(box, {
    body: body("sleep 1.5; exit 6", { host: { AutoRemove: true } }),
  });
  await startAndKill(box, id, () =>
    eventually("the start", async () => (await statusOf(box, id)).startsWith("Up")),
  );
  assert.match(await statusOf(box, id), /^Up /);
  assert.deepEqual(await waitContainer(box.engine, id, "removed"), { exitCode: 6 });
  await assertNothingLeft(box);
});

test("a start that never came to its end is undone by the next command", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, { body: sleeper });
  const row = findContainer(engine.store, id);
  const state = { ...row.state, status: "created" as const, isStarting: true, startedAt: "" };
  setContainerState(engine.store.database, id, state);
  assert.equal(await statusOf(box, id), "Created");
  assert.equal((await inspectContainer(engine, id)).State.Status, "created");
  await assertNothingRuns(box);
  await startContainer(engine, id);
  assert.match(await statusOf(box, id), /^Up /);
});

test("after a reboot nothing runs, and everything can be started or removed", async () => {
  await using box = await openBox();
  const always = { host: { RestartPolicy: { Name: "always" } } };
  const up = await start(box, { name: "up", body: body("echo x >/data/new; sleep 1000") });
  const kept = await start(box, { name: "kept", body: body("sleep 1000", always) });
  const removed = await start(box, {
    name: "removed",
    body: body("sleep 1000", { host: { AutoRemove: true } }),
  });
  const created = await create(box, { name: "created", body: sleeper });
  const exited = (await run(box, { name: "exited", body: body("exit 3") })).id;
  await eventually("the file", () =>
    fs.existsSync(join(box.engine.store.paths.containers, up, "upper/data/new")),
  );
  await using engine = await reboot(box);
  const later = { ...box, engine };
  assert.deepEqual(await listContainers(engine), []);
  assert.match(await statusOf(later, up), /^Exited \(255\)/);
  assert.match(await statusOf(later, kept), /^Exited \(255\)/);
  assert.match(await statusOf(later, created), /^Created/);
  assert.match(await statusOf(later, exited), /^Exited \(3\)/);
  assert.equal(await statusOf(later, removed), "gone");
  await assertNothingRuns(later);
  for (const id of [up, kept, created]) await startContainer(engine, id);
  assert.match(await statusOf(later, up), /^Up /);
  for (const id of [up, kept, created, exited]) await removeContainer(engine, id, { force: true });
  await assertNothingLeft(later);
});

test("folders and processes without a row are swept", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, { body: sleeper });
  const { Pid: pid } = (await inspectContainer(engine, id)).State;
  // As if a power cut had taken back the transaction that made it.
  engine.store.database.run("DELETE FROM container WHERE id = ?", id);
  fs.mkdirSync(join(engine.store.paths.containers, "f".repeat(64), "upper"), { recursive: true });
  fs.mkdirSync(join(engine.store.paths.volumes, ".removed-1", "_data"), { recursive: true });
  await pruneContainers(engine);
  assert.throws(() => process.kill(pid, 0));
  assert.deepEqual(fs.readdirSync(engine.store.paths.volumes), []);
  await assertNothingLeft(box);
});

/** Changes one byte in the middle of a file. */
function flip(path: string): void {
  const bytes = fs.readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 255, middle);
  fs.chmodSync(path, 0o600);
  fs.writeFileSync(path, bytes);
}

test("damage to a layer is found before it is mounted, and healed where it can be", async () => {
  await using box = await openBox();
  const { engine } = box;
  const { database, paths } = engine.store;
  const id = await create(box, { body: body("cat /data/file") });
  const [layer] = database.all<{ diff_id: Digest }>("SELECT diff_id FROM container_layer");
  if (layer === undefined) throw new Error("the image has a layer");
  // What is made of the tar can be made again.
  flip(erofsPath(paths, layer.diff_id));
  fs.rmSync(indexPath(paths, layer.diff_id));
  await startContainer(engine, id);
  assert.deepEqual(await waitContainer(engine, id), { exitCode: 0 });
  flip(blobPath(paths, layer.diff_id));
  await assert.rejects(startContainer(engine, id), code("DIGEST_MISMATCH"));
  fs.rmSync(blobPath(paths, layer.diff_id));
  await assert.rejects(startContainer(engine, id), code("BLOB_NOT_FOUND"));
  assert.equal((await inspectContainer(engine, id)).State.Status, "exited");
  await assertNothingRuns(box);
});
