// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { inspectContainer } from "../../../src/engine/inspect-container.ts";
import { killContainer } from "../../../src/engine/kill.ts";
import { listContainers } from "../../../src/engine/list-containers.ts";
import { containerLogs } from "../../../src/engine/logs.ts";
import { pauseContainer, unpauseContainer } from "../../../src/engine/pause.ts";
import { removeContainer } from "../../../src/engine/remove-container.ts";
import { renameContainer } from "../../../src/engine/rename.ts";
import { startContainer } from "../../../src/engine/start.ts";
import { restartContainer, stopContainer } from "../../../src/engine/stop.ts";
import { waitContainer } from "../../../src/engine/wait.ts";
import { code, message } from "./asserts.ts";
import {
  assertNothingLeft,
  assertNothingRuns,
  body,
  create,
  eventually,
  openBox,
  run,
  start,
} from "./box.ts";

test("a container's whole life", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await create(box, {
    name: "one",
    body: body(
      'echo "to out"; echo "to err" >&2; trap "exit 5" TERM; while :; do sleep 0.05; done',
    ),
  });
  const stateOf = async () => (await inspectContainer(engine, "one")).State;
  assert.equal((await stateOf()).Status, "created");
  assert.deepEqual(await listContainers(engine), []);
  const [created] = await listContainers(engine, { all: true });
  assert.equal(created?.Status, "Created");

  await startContainer(engine, "one");
  await startContainer(engine, "one");
  const [running] = await listContainers(engine);
  assert.match(running?.Status ?? "", /^Up (?:Less than a second|1 second|2 seconds)$/);
  const state = await stateOf();
  assert.ok(state.Running && state.Pid > 0);

  await pauseContainer(engine, "one");
  assert.equal((await stateOf()).Paused, true);
  assert.match((await listContainers(engine))[0]?.Status ?? "", /\(Paused\)$/);
  await assert.rejects(
    pauseContainer(engine, "one"),
    message("CONTAINER_CONFLICT", `container ${id} is already paused`),
  );
  await assert.rejects(
    removeContainer(engine, "one"),
    message(
      "CONTAINER_CONFLICT",
      'cannot remove container "one": container is paused and must be unpaused first',
    ),
  );
  await unpauseContainer(engine, "one");
  await assert.rejects(
    unpauseContainer(engine, "one"),
    message("CONTAINER_CONFLICT", `Container ${id} is not paused`),
  );

  await assert.rejects(
    removeContainer(engine, "one"),
    message(
      "CONTAINER_CONFLICT",
      'cannot remove container "one": container is running: stop the container before removing or force remove',
    ),
  );
  await stopContainer(engine, "one");
  await stopContainer(engine, "one");
  const stopped = await stateOf();
  assert.equal(stopped.Status, "exited");
  assert.equal(stopped.ExitCode, 5);
  assert.equal(stopped.Pid, 0);
  await assertNothingRuns(box);
  assert.match(
    (await listContainers(engine, { all: true }))[0]?.Status ?? "",
    /^Exited \(5\) .* ago$/,
  );
  assert.deepEqual(await waitContainer(engine, "one"), { exitCode: 5 });

  const lines: string[] = [];
  for await (const { stream, bytes } of containerLogs(engine, "one", {
    stdout: true,
    stderr: true,
  })) {
    lines.push(`${stream}: ${Buffer.from(bytes).toString()}`);
  }
  assert.deepEqual(lines.toSorted(), ["stderr: to err\n", "stdout: to out\n"]);

  await renameContainer(engine, "one", "two");
  await assert.rejects(startContainer(engine, "one"), code("CONTAINER_NOT_FOUND"));
  await startContainer(engine, "/two");
  await removeContainer(engine, id.slice(0, 12), { force: true });
  await assertNothingLeft(box);
});

test("who is attached sees all output and the exit code; --rm leaves nothing", async () => {
  await using box = await openBox();
  const { output, errors, exitCode, id } = await run(box, {
    body: body("echo out; echo err >&2; exit 42", { host: { AutoRemove: true } }),
  });
  assert.deepEqual(
    { output, errors, exitCode },
    { output: "out\n", errors: "err\n", exitCode: 42 },
  );
  await assertNothingLeft(box);
  // Whoever comes too late learns of it all the same.
  assert.deepEqual(await waitContainer(box.engine, id, "removed"), { exitCode: 42 });
  await assert.rejects(waitContainer(box.engine, "nobody"), code("CONTAINER_NOT_FOUND"));
});

test("a detached container with --rm is removed by its monitor", async () => {
  await using box = await openBox();
  const id = await start(box, { body: body("sleep 0.2; exit 3", { host: { AutoRemove: true } }) });
  assert.deepEqual(await waitContainer(box.engine, id, "removed"), { exitCode: 3 });
  await assertNothingLeft(box);
});

test("input goes in, and its end too", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await create(box, {
    body: body("cat; echo end", { OpenStdin: true, StdinOnce: true, AttachStdin: true }),
  });
  const chunks: Buffer[] = [];
  async function* input() {
    yield Buffer.from("one\n");
    await delay(50);
    yield Buffer.from("two\n");
  }
  const { attachment } = await startContainer(engine, id, {
    attach: { stdin: input(), stdout: (chunk) => void chunks.push(Buffer.from(chunk)) },
  });
  await attachment?.ended;
  assert.equal(Buffer.concat(chunks).toString(), "one\ntwo\nend\n");
  assert.deepEqual(await waitContainer(engine, id), { exitCode: 0 });
});

test("a command that is not there or can't be run tells so, and leaves nothing mounted", async () => {
  await using box = await openBox();
  const { engine } = box;
  const missing = await create(box, { name: "missing", body: body(["nope"]) });
  await assert.rejects(
    startContainer(engine, missing),
    message("COMMAND_NOT_FOUND", /exec: "nope": executable file not found in \$PATH/),
  );
  assert.equal((await inspectContainer(engine, "missing")).State.ExitCode, 127);
  const folder = await create(box, { name: "folder", body: body(["/etc"]) });
  await assert.rejects(startContainer(engine, folder), code("COMMAND_NOT_EXECUTABLE"));
  assert.equal((await inspectContainer(engine, "folder")).State.ExitCode, 126);
  const file = await create(box, { body: body(["sh"], { WorkingDir: "/etc/passwd" }) });
  await assert.rejects(
    startContainer(engine, file),
    message("CONTAINER_INVALID", "Cannot mkdir: /etc/passwd is not a directory"),
  );
  const nobody = await create(box, { body: body(["sh"], { User: "nobody-here" }) });
  await assert.rejects(startContainer(engine, nobody), code("CONTAINER_INVALID"));
  const gone = await create(box, { body: body(["nope"], { host: { AutoRemove: true } }) });
  await assert.rejects(startContainer(engine, gone), code("COMMAND_NOT_FOUND"));
  await assert.rejects(inspectContainer(engine, gone), code("CONTAINER_NOT_FOUND"));
  await assertNothingRuns(box);
});

test("kill sends any signal, and says what is wrong with others", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await start(box, {
    name: "kk",
    body: body('trap "exit 9" USR1; while :; do sleep 0.05; done'),
  });
  await assert.rejects(
    killContainer(engine, "kk", "FOO"),
    message("CONTAINER_INVALID", "cannot kill container: kk: Invalid signal: FOO"),
  );
  await assert.rejects(killContainer(engine, "kk", "99"), code("CONTAINER_INVALID"));
  await delay(200);
  await killContainer(engine, "kk", "SIGUSR1");
  assert.deepEqual(await waitContainer(engine, id), { exitCode: 9 });
  await assert.rejects(
    killContainer(engine, "kk"),
    message("CONTAINER_NOT_RUNNING", `cannot kill container: kk: container ${id} is not running`),
  );
  await startContainer(engine, "kk");
  await killContainer(engine, "kk");
  assert.equal((await inspectContainer(engine, "kk")).State.ExitCode, 137);
  await assertNothingRuns(box);
});

test("restart starts again, also what --rm would take away", async () => {
  await using box = await openBox();
  const { engine } = box;
  await start(box, { name: "rr", body: body("sleep 100", { host: { AutoRemove: true } }) });
  const before = (await inspectContainer(engine, "rr")).State.Pid;
  await restartContainer(engine, "rr", { timeoutSeconds: 0 });
  const after = (await inspectContainer(engine, "rr")).State;
  assert.ok(after.Running && after.Pid !== before);
  await stopContainer(engine, "rr", { timeoutSeconds: 0 });
  await eventually(
    "the removal",
    async () => (await listContainers(engine, { all: true })).length === 0,
  );
  await assertNothingLeft(box);
});

test("waiting for the next exit outlasts a start", async () => {
  await using box = await openBox();
  const { engine } = box;
  const id = await create(box, { body: body("exit 4") });
  assert.deepEqual(await waitContainer(engine, id), { exitCode: 0 });
  const waiting = waitContainer(engine, id, "next-exit");
  await delay(100);
  await startContainer(engine, id);
  assert.deepEqual(await waiting, { exitCode: 4 });
  const removed = waitContainer(engine, id, "removed");
  await removeContainer(engine, id);
  assert.deepEqual(await removed, { exitCode: 4 });
});
