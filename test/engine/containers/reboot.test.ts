// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ContainerRow, createdState } from "../../../src/content/containers.ts";
import { inspectContainer } from "../../../src/engine/inspect-container.ts";
import { listContainers } from "../../../src/engine/list-containers.ts";
import { isWanted, startAfterBoot } from "../../../src/engine/start-after-boot.ts";
import { stopContainer } from "../../../src/engine/stop.ts";
import { waitContainer } from "../../../src/engine/wait.ts";
import { assertNothingRuns, body, create, openBox, processesOf, reboot, start } from "./box.ts";

const never = new AbortController().signal;

test("who is started after a reboot, as Docker's ShouldRestart has it", () => {
  const wants = (Name: string, state: object, most = 0) =>
    isWanted({ bootId: "now" }, {
      definition: { hostConfig: { RestartPolicy: { Name, MaximumRetryCount: most } } },
      state: { ...createdState, bootId: "before", startedAt: "x", ...state },
    } as ContainerRow);
  const stopped = { isManuallyStopped: true, exitCode: 137 };
  assert.equal(wants("no", {}), false);
  assert.equal(wants("always", {}), true);
  assert.equal(wants("always", stopped), true);
  assert.equal(wants("always", { ...stopped, bootId: "now" }), false);
  assert.equal(wants("always", { bootId: "now" }), true);
  assert.equal(wants("unless-stopped", {}), true);
  assert.equal(wants("unless-stopped", stopped), false);
  assert.equal(wants("on-failure", { exitCode: 0 }), false);
  assert.equal(wants("on-failure", { exitCode: 255 }), true);
  assert.equal(wants("on-failure", { exitCode: 1, restartCount: 2 }, 2), false);
});

test("a reboot: policies are carried out, once, by however many servers", async () => {
  await using box = await openBox();
  const policy = (Name: string) => ({ host: { RestartPolicy: { Name } } });
  const sleeper = (name: string, more = {}) => ({ name, body: body("sleep 1000", more) });
  const always = await start(box, sleeper("always", policy("always")));
  const unless = await start(box, sleeper("unless", policy("unless-stopped")));
  const stopped = await start(box, sleeper("stopped", policy("unless-stopped")));
  const failed = await start(box, sleeper("failed", policy("on-failure")));
  const plain = await start(box, sleeper("plain"));
  const fresh = await create(box, sleeper("fresh", policy("always")));
  const done = await start(box, { name: "done", body: body("exit 0", policy("on-failure")) });
  await waitContainer(box.engine, done);
  await stopContainer(box.engine, stopped, { timeoutSeconds: 0 });
  await using engine = await reboot(box, "another-boot");
  const faults: unknown[] = [];
  const options = { signal: never, onFault: (fault: unknown) => void faults.push(fault) };
  await Promise.all([startAfterBoot(engine, options), startAfterBoot(engine, options)]);
  assert.deepEqual(faults, []);
  const up = async () => (await listContainers(engine)).map(({ Id: id }) => id).sort();
  assert.deepEqual(await up(), [always, unless, failed].sort());
  for (const id of [stopped, plain, done, fresh]) {
    assert.equal((await inspectContainer(engine, id)).State.Running, false);
  }
  for (const id of [always, unless, failed]) {
    const monitors = processesOf(box.folder).filter(({ command }) => command.includes(`-c ${id}`));
    assert.equal(monitors.filter(({ command }) => command.includes("conmon")).length, 1);
  }
  // The server stops and is started again: what runs goes on, what was stopped by hand stays so.
  const { Pid: pid } = (await inspectContainer(engine, unless)).State;
  await stopContainer(engine, always, { timeoutSeconds: 0 });
  await startAfterBoot(engine, options);
  assert.deepEqual(await up(), [unless, failed].sort());
  assert.equal((await inspectContainer(engine, unless)).State.Pid, pid);
  for (const id of [unless, failed]) await stopContainer(engine, id, { timeoutSeconds: 0 });
  await assertNothingRuns({ ...box, engine });
});
