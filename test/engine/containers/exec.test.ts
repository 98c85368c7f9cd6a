// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type ContainerRow, createdState } from "../../../src/content/containers.ts";
import { eventsAfter } from "../../../src/content/events.ts";
import { createExec, inspectExec, startExec } from "../../../src/engine/exec.ts";
import { forgetEndedExecs } from "../../../src/engine/exec-end.ts";
import { putExec } from "../../../src/engine/exec-rows.ts";
import { checkHealth, nextHealth } from "../../../src/engine/health.ts";
import { nextCheckSeconds } from "../../../src/engine/health-monitor.ts";
import { inspectContainer } from "../../../src/engine/inspect-container.ts";
import { listContainers } from "../../../src/engine/list-containers.ts";
import { pauseContainer, unpauseContainer } from "../../../src/engine/pause.ts";
import { removeContainer } from "../../../src/engine/remove-container.ts";
import { statsContainer } from "../../../src/engine/stats.ts";
import { stopContainer } from "../../../src/engine/stop.ts";
import { topContainer } from "../../../src/engine/top.ts";
import { updateContainer } from "../../../src/engine/update.ts";
import { cgroupsOf } from "../../../src/runtime/cgroup.ts";
import type { ExecConfig } from "../../../src/spec/container.ts";
import { code, message } from "./asserts.ts";
import {
  assertNothingLeft,
  type Box,
  body,
  create,
  eventually,
  openBox,
  processesOf,
  start,
} from "./box.ts";

async function exec({ engine }: Box, name: string, config: ExecConfig) {
  const { id } = await createExec(engine, name, { AttachStdout: true, ...config });
  const chunks: Buffer[] = [];
  const take = (chunk: Uint8Array) => void chunks.push(Buffer.from(chunk));
  const { attachment, exitCode } = await startExec(engine, id, {
    attach: { stdout: take, stderr: take },
  });
  await attachment?.ended;
  return { id, exitCode: await exitCode, output: Buffer.concat(chunks).toString() };
}

test("commands run in a container", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, { name: "host", body: body("sleep 1000", { Env: ["A=1"] }) });
  const plain = await exec(box, "host", {
    Cmd: ["sh", "-c", 'id -u; echo "$A $B $COLOUR"; exit 4'],
    Env: ["B=2"],
  });
  assert.deepEqual([plain.exitCode, plain.output], [4, "0\n1 2 blue\n"]);
  const user = await exec(box, "host", {
    Cmd: ["sh", "-c", "id -u; pwd"],
    User: "ada",
    WorkingDir: "/tmp",
  });
  assert.equal(user.output, "7\n/tmp\n");
  const document = await inspectExec(engine, plain.id);
  assert.deepEqual(
    [document.Running, document.ExitCode, document.ContainerID, document.ProcessConfig.entrypoint],
    [false, 4, id, "sh"],
  );
  await assert.rejects(
    startExec(engine, plain.id),
    message("CONTAINER_CONFLICT", `exec command ${plain.id} has already run`),
  );
  await assert.rejects(
    exec(box, "host", { Cmd: ["nope"] }),
    message("COMMAND_NOT_FOUND", /exec: "nope": executable file not found in \$PATH/),
  );
  await assert.rejects(exec(box, "host", { Cmd: [] }), code("CONTAINER_INVALID"));
  await assert.rejects(
    exec(box, "host", { Cmd: ["id"], User: "nobody-here" }),
    message(
      "CONTAINER_INVALID",
      "unable to find user nobody-here: no matching entries in passwd file",
    ),
  );
  await assert.rejects(
    inspectExec(engine, "x"),
    message("EXEC_NOT_FOUND", "No such exec instance: x"),
  );
});

test("a detached exec is known until its container ends", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, { body: body("sleep 1000") });
  const made = await createExec(engine, id, { Cmd: ["sh", "-c", "sleep 0.5; exit 8"] });
  const { attachment, exitCode } = await startExec(engine, made.id, { detach: true });
  assert.equal(attachment, undefined);
  assert.equal(await exitCode, 0);
  assert.equal((await inspectExec(engine, made.id)).Running, true);
  assert.deepEqual((await inspectContainer(engine, id)).ExecIDs, [made.id]);
  await eventually("its end", async () => (await inspectExec(engine, made.id)).ExitCode === 8);
  assert.equal((await inspectContainer(engine, id)).ExecIDs, null);
  await stopContainer(engine, id, { timeoutSeconds: 0 });
  await assert.rejects(inspectExec(engine, made.id), code("EXEC_NOT_FOUND"));
  await assert.rejects(
    createExec(engine, id, { Cmd: ["id"] }),
    message("CONTAINER_NOT_RUNNING", `container ${id} is not running`),
  );
  await removeContainer(engine, id);
  await assertNothingLeft(box);
});

test("a paused container runs nothing", async () => {
  await using box = await openBox();
  await start(box, { name: "still", body: body("sleep 1000") });
  await pauseContainer(box.engine, "still");
  await assert.rejects(
    createExec(box.engine, "still", { Cmd: ["id"] }),
    message("CONTAINER_CONFLICT", "Container still is paused, unpause the container before exec"),
  );
  await unpauseContainer(box.engine, "still");
});

test("health goes from starting to healthy to unhealthy", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, {
    name: "patient",
    body: body("sleep 1000", {
      Healthcheck: {
        Test: ["CMD-SHELL", "echo looking; test ! -e /sick"],
        Interval: 3e8,
        Retries: 2,
      },
    }),
  });
  const health = async () => (await inspectContainer(engine, id)).State.Health;
  assert.equal((await health())?.Status, "starting");
  assert.match((await listContainers(engine))[0]?.Status ?? "", /\(health: starting\)$/);
  await eventually("health", async () => (await health())?.Status === "healthy");
  const [result] = (await health())?.Log ?? [];
  assert.deepEqual([result?.ExitCode, result?.Output], [0, "looking\n"]);
  await exec(box, id, { Cmd: ["touch", "/sick"] });
  await eventually("sickness", async () => (await health())?.Status === "unhealthy");
  assert.ok(((await health())?.FailingStreak ?? 0) >= 2);
  assert.ok(((await health())?.Log.length ?? 0) <= 5);
  await stopContainer(engine, id, { timeoutSeconds: 0 });
  await eventually("the end of the monitor", () => processesOf(box.folder).length === 0);
  assert.equal(await checkHealth(engine, id), undefined);
  await removeContainer(engine, id);
  await assertNothingLeft(box);
});

test("a check that takes too long is killed", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, {
    body: body("sleep 1000", {
      Healthcheck: {
        Test: ["CMD", "sh", "-c", "echo slow; sleep 1000"],
        Interval: 3.6e12,
        Timeout: 3e8,
      },
    }),
  });
  await checkHealth(engine, id);
  const [result] = (await inspectContainer(engine, id)).State.Health?.Log ?? [];
  assert.equal(result?.ExitCode, -1);
  assert.equal(result?.Output, "Health check exceeded timeout (0.3s): slow\n");
  await delay(100);
  assert.ok(!processesOf(id).some(({ command }) => command.includes("--exec")));
});

test("how results make health, by Docker's rules", () => {
  const started = "2026-01-01T00:00:00.000Z";
  const result = (seconds: number, ExitCode: number) => {
    const Start = new Date(Date.parse(started) + seconds * 1000).toISOString();
    return { Start, End: Start, ExitCode, Output: "" };
  };
  const state = (health?: ContainerRow["state"]["health"]) => ({
    state: { ...createdState, startedAt: started, health },
  });
  const check = { StartPeriod: 10e9, Retries: 2 };
  // In the start period failures don't count.
  const first = nextHealth(state(), check, result(5, 1));
  assert.deepEqual([first.status, first.failingStreak], ["starting", 0]);
  const second = nextHealth(state(first), check, result(15, 1));
  assert.deepEqual([second.status, second.failingStreak], ["starting", 1]);
  const third = nextHealth(state(second), check, result(16, 1));
  assert.deepEqual([third.status, third.failingStreak], ["unhealthy", 2]);
  const fourth = nextHealth(state(third), check, result(17, 0));
  assert.deepEqual([fourth.status, fourth.failingStreak, fourth.log.length], ["healthy", 0, 4]);
  const row = (health: ContainerRow["state"]["health"]) => state(health) as ContainerRow;
  const seconds = (at: number, health = first) =>
    nextCheckSeconds(row(health), check, Date.parse(started) + at * 1000);
  assert.deepEqual([seconds(1), seconds(11), seconds(1, fourth)], [5, 30, 30]);
});

test("limits change while a container runs", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, { body: body("sleep 1000", { host: { Memory: 50_000_000 } }) });
  const groups = cgroupsOf((await inspectContainer(engine, id)).State.Pid);
  const [folder, file] = groups.has("memory")
    ? [groups.get("memory"), "memory.limit_in_bytes"]
    : [groups.get(""), "memory.max"];
  const limit = async () => Number(readFileSync(`${folder}/${file}`, "utf8"));
  const before = await limit();
  assert.ok(before <= 50_000_000 && before > 49_000_000);
  await assert.rejects(
    updateContainer(engine, id, { Memory: 200_000_000 }),
    message(
      "CONTAINER_CONFLICT",
      /^Cannot update container .*: Memory limit should be smaller than/,
    ),
  );
  assert.deepEqual(await updateContainer(engine, id, { Memory: 60_000_000, CpuShares: 512 }), {
    warnings: [],
  });
  assert.ok((await limit()) > 59_000_000);
  const { HostConfig: host } = await inspectContainer(engine, id);
  assert.deepEqual([host.Memory, host.CpuShares, host.MemorySwap], [60_000_000, 512, 100_000_000]);
  await assert.rejects(updateContainer(engine, id, { Memory: 1 }), code("CONTAINER_INVALID"));
  await assert.rejects(
    updateContainer(engine, id, { RestartPolicy: { Name: "foo" } }),
    code("CONTAINER_INVALID"),
  );
  const idle = await create(box, { body: body("true") });
  await updateContainer(engine, idle, { RestartPolicy: { Name: "always" }, PidsLimit: 50 });
  const updated = (await inspectContainer(engine, idle)).HostConfig;
  assert.deepEqual([updated.RestartPolicy?.Name, updated.PidsLimit], ["always", 50]);
});

test("processes and figures of a container", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, { name: "busy", body: body("sleep 1000; true") });
  // The shell takes a moment to start its program.
  let top = await topContainer(engine, "busy");
  while (top.Processes.length < 2) top = await topContainer(engine, "busy");
  const { Titles: titles, Processes: processes } = top;
  assert.equal(titles[1], "PID");
  assert.deepEqual(processes.map((cells) => cells.at(-1)).toSorted(), [
    "sh -c sleep 1000; true",
    "sleep 1000",
  ]);
  const narrow = await topContainer(engine, "busy", ["-o", "pid,comm"]);
  assert.deepEqual(narrow.Titles, ["PID", "COMMAND"]);
  await assert.rejects(topContainer(engine, "busy", ["--bogus"]), code("CONTAINER_INVALID"));
  const stats = await statsContainer(engine, "busy");
  assert.deepEqual([stats.id, stats.name], [id, "/busy"]);
  assert.ok((stats.memory_stats.usage ?? 0) > 0);
  assert.ok(stats.cpu_stats.system_cpu_usage > 0);
  assert.equal(stats.pids_stats.current, 2);
  await stopContainer(engine, id, { timeoutSeconds: 0 });
  assert.deepEqual((await statsContainer(engine, "busy")).memory_stats, {});
  await assert.rejects(topContainer(engine, "busy"), code("CONTAINER_NOT_RUNNING"));
});

test("execs that ended are forgotten after some minutes, also where nobody noted their ends", async () => {
  await using box = await openBox();
  const { engine } = box;
  const { database } = engine.store;
  const id = await start(box, { body: body("sleep 1000") });
  const rows = (count: number, more: object) => {
    for (let index = 0; index < count; index++) {
      const name = `${JSON.stringify(more)}${index}`;
      putExec(database, { id: name, container: id, config: { Cmd: ["true"] }, ...more });
    }
  };
  const process = { pid: 1, startTicks: 1 };
  const longAgo = Date.now() - 20 * 60_000;
  database.transaction(() => {
    rows(3000, { process, exitCode: 0, endedAtMs: longAgo });
    rows(10, { process });
    rows(1, {});
  });
  const fresh = await exec(box, id, { Cmd: ["false"] });
  const count = () => database.all("SELECT id FROM exec WHERE container = ?", id).length;
  assert.equal(count(), 1 + 10 + 1);
  assert.equal((await inspectExec(engine, fresh.id)).ExitCode, 1);
  forgetEndedExecs(engine, id, Date.now() + 9 * 60_000);
  assert.equal(count(), 12);
  forgetEndedExecs(engine, id, Date.now() + 11 * 60_000);
  // What has yet to be started waits for as long as the container runs.
  assert.equal(count(), 1);
  await assert.rejects(inspectExec(engine, fresh.id), code("EXEC_NOT_FOUND"));
  const dead = eventsAfter(database, 0, 1000).filter(({ Action }) => Action === "exec_die");
  assert.equal(dead.length, 11);
});
