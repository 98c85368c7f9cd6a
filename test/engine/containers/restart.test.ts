// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type ContainerRow, createdState } from "../../../src/content/containers.ts";
import { findContainer } from "../../../src/engine/find-container.ts";
import { inspectContainer } from "../../../src/engine/inspect-container.ts";
import { killContainer } from "../../../src/engine/kill.ts";
import { removeContainer } from "../../../src/engine/remove-container.ts";
import { restartDelay } from "../../../src/engine/settle.ts";
import { startContainer } from "../../../src/engine/start.ts";
import { stopContainer } from "../../../src/engine/stop.ts";
import { updateContainer } from "../../../src/engine/update.ts";
import type { RestartPolicy } from "../../../src/spec/container.ts";
import { assertNothingLeft, assertNothingRuns, body, eventually, openBox, start } from "./box.ts";

interface Case {
  readonly policy: RestartPolicy;
  readonly exitCode?: number;
  readonly ranMs?: number;
  readonly lastDelayMs?: number;
  readonly count?: number;
  readonly isStopped?: boolean;
}

function delayOf({ policy, exitCode = 1, ranMs = 0, ...more }: Case): number | undefined {
  const row = {
    definition: { hostConfig: { RestartPolicy: policy } },
    state: {
      ...createdState,
      restartDelayMs: more.lastDelayMs ?? 0,
      restartCount: more.count ?? 0,
      isManuallyStopped: more.isStopped ?? false,
    },
  } as ContainerRow;
  return restartDelay(row, { exitCode, ranMs });
}

test("who is restarted, and after how long", () => {
  const always = { Name: "always" };
  assert.equal(delayOf({ policy: {} }), undefined);
  assert.equal(delayOf({ policy: { Name: "no" } }), undefined);
  assert.equal(delayOf({ policy: always }), 100);
  assert.equal(delayOf({ policy: always, exitCode: 0 }), 100);
  assert.equal(delayOf({ policy: always, isStopped: true }), undefined);
  assert.equal(delayOf({ policy: { Name: "unless-stopped" }, exitCode: 0 }), 100);
  // Twice as long each time, up to a minute; from the start after ten seconds of life.
  assert.equal(delayOf({ policy: always, lastDelayMs: 100 }), 200);
  assert.equal(delayOf({ policy: always, lastDelayMs: 51_200 }), 60_000);
  assert.equal(delayOf({ policy: always, lastDelayMs: 60_000, ranMs: 10_000 }), 100);
  const onFailure = { Name: "on-failure", MaximumRetryCount: 2 };
  assert.equal(delayOf({ policy: onFailure }), 100);
  assert.equal(delayOf({ policy: onFailure, exitCode: 0 }), undefined);
  assert.equal(delayOf({ policy: onFailure, count: 2 }), undefined);
  assert.equal(delayOf({ policy: { Name: "on-failure" }, count: 99 }), 100);
});

const policy = (Name: string, MaximumRetryCount = 0) => ({
  host: { RestartPolicy: { Name, MaximumRetryCount } },
});

test("a container that fails is started again, as often as it may", async () => {
  await using box = await openBox();
  const id = await start(box, {
    body: body("echo x >>/data/starts; exit 7", policy("on-failure", 2)),
  });
  const document = () => inspectContainer(box.engine, id);
  await eventually("the last failure", async () => {
    const { RestartCount: count, State: state } = await document();
    return count === 2 && state.Status === "exited";
  });
  assert.equal((await document()).State.ExitCode, 7);
  await assertNothingRuns(box);
  // Started by hand it may fail twice again.
  await startContainer(box.engine, id);
  await eventually("two more", async () => (await document()).RestartCount === 2);
});

test("what was stopped by hand stays so, also between two starts", async () => {
  await using box = await openBox();
  const { engine } = box;
  const up = await start(box, { body: body("sleep 1000", policy("always")) });
  await stopContainer(engine, up, { timeoutSeconds: 0 });
  await delay(500);
  assert.equal((await inspectContainer(engine, up)).State.Status, "exited");
  const down = await start(box, { body: body("exit 1", policy("unless-stopped")) });
  await eventually(
    "a restart",
    async () => findContainer(engine.store, down).state.restartCount > 2,
  );
  await stopContainer(engine, down);
  assert.equal((await inspectContainer(engine, down)).State.Status, "exited");
  await delay(1500);
  assert.equal((await inspectContainer(engine, down)).State.Status, "exited");
  await assertNothingRuns(box);
  const killed = await start(box, { body: body("sleep 1000", policy("always")) });
  await killContainer(engine, killed);
  await delay(500);
  assert.equal((await inspectContainer(engine, killed)).State.Status, "exited");
});

test("what dies by itself comes back, and can be removed while it waits", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, { body: body("sleep 1000", policy("always")) });
  const { Pid: pid } = (await inspectContainer(engine, id)).State;
  process.kill(pid, "SIGKILL");
  await eventually("another process", async () => {
    const { Running: runs, Pid: now } = (await inspectContainer(engine, id)).State;
    return runs && now > 0 && now !== pid;
  });
  await removeContainer(engine, id, { force: true });
  const failing = await start(box, { body: body("exit 1", policy("always")) });
  await eventually(
    "a long wait",
    () => findContainer(engine.store, failing).state.restartDelayMs >= 800,
  );
  await eventually(
    "the wait",
    async () => (await inspectContainer(engine, failing)).State.Status === "restarting",
  );
  await removeContainer(engine, failing, { force: true });
  await assertNothingLeft(box);
});

test("whoever waits for a restart and is killed: the container has ended", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, { body: body("exit 5", policy("always")) });
  await eventually("a long wait", () => {
    const { status, restartDelayMs } = findContainer(engine.store, id).state;
    return status === "restarting" && restartDelayMs >= 800;
  });
  process.kill(findContainer(engine.store, id).state.pid, "SIGKILL");
  await eventually("the end", async () => {
    const { Status: status, ExitCode: code } = (await inspectContainer(engine, id)).State;
    return status === "exited" && code === 5;
  });
  await updateContainer(engine, id, { RestartPolicy: { Name: "no" } });
  await startContainer(engine, id);
  await eventually(
    "the end",
    async () => (await inspectContainer(engine, id)).State.Status === "exited",
  );
  assert.equal((await inspectContainer(engine, id)).RestartCount, 0);
});
