// SPDX-License-Identifier: Apache-2.0

/** A process that lives on, as a server does, sees to the ends of containers that it has started. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { containerById } from "../../../src/content/containers.ts";
import { type Engine, openEngine } from "../../../src/engine/engine.ts";
import { findContainer } from "../../../src/engine/find-container.ts";
import { startContainer } from "../../../src/engine/start.ts";
import { stopContainer } from "../../../src/engine/stop.ts";
import { waitContainer } from "../../../src/engine/wait.ts";
import { send } from "../../helpers/lade-serve.ts";
import { startServe } from "../../helpers/serve-process.ts";
import {
  assertNothingRuns,
  type Box,
  body,
  create,
  eventually,
  openBox,
  processesOf,
} from "./box.ts";

/** An engine that lives on; what others would be started for is noted in a file instead. */
async function openAwake(box: Box): Promise<{ engine: Engine; wasCalled: () => boolean }> {
  const marker = join(box.folder, "called");
  const engine = await openEngine({
    root: box.engine.store.paths.root,
    runRoot: box.engine.run.root,
    self: ["/bin/sh", "-c", `echo x >>${marker}`, "lade"],
    staysAwake: true,
  });
  return { engine, wasCalled: () => existsSync(marker) };
}

async function noMonitors(box: Box): Promise<void> {
  await eventually("the end of all monitors", () => processesOf(box.folder).length === 0);
}

test("an end is settled without another process", async () => {
  await using box = await openBox();
  const awake = await openAwake(box);
  await using engine = awake.engine;
  const kept = await create(box, { body: body("exit 3") });
  const removed = await create(box, { body: body("exit 4", { host: { AutoRemove: true } }) });
  await Promise.all([startContainer(engine, kept), startContainer(engine, removed)]);
  await noMonitors(box);
  assert.equal(awake.wasCalled(), false);
  assert.equal(findContainer(engine.store, kept).state.exitCode, 3);
  assert.throws(() => findContainer(engine.store, removed), { code: "CONTAINER_NOT_FOUND" });
  assert.deepEqual(await waitContainer(engine, removed, "removed"), { exitCode: 4 });
});

test("restarts happen in it, and end when it is told to stop the container", async () => {
  await using box = await openBox();
  const awake = await openAwake(box);
  await using engine = awake.engine;
  const host = { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } };
  const id = await create(box, { body: body("exit 5", { host }) });
  await startContainer(engine, id);
  const state = () => findContainer(engine.store, id).state;
  await eventually("the last try", () => state().restartCount === 3 && state().status === "exited");
  await noMonitors(box);
  const again = { RestartPolicy: { Name: "always" } };
  const other = await create(box, { body: body("exit 6", { host: again }) });
  await startContainer(engine, other);
  await eventually("a restart", () => findContainer(engine.store, other).state.restartCount > 1);
  await stopContainer(engine, other);
  await noMonitors(box);
  assert.equal(findContainer(engine.store, other).state.status, "exited");
  assert.equal(awake.wasCalled(), false);
  await assertNothingRuns(box);
});

test("killed, it leaves the rest to each container's monitor", async () => {
  await using box = await openBox();
  const ids = {
    removed: await create(box, { body: body("sleep 3; exit 7", { host: { AutoRemove: true } }) }),
    restarted: await create(box, {
      body: body("sleep 3; exit 8", {
        host: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 1 } },
      }),
    }),
  };
  await using serve = startServe(
    { ...process.env, LADE_ROOT: box.engine.store.paths.root, LADE_RUN_ROOT: box.engine.run.root },
    "serve",
  );
  await serve.says("API listen on");
  for (const id of Object.values(ids)) {
    const { status } = await send(join(box.engine.run.root, "lade.sock"), {
      method: "POST",
      path: `/containers/${id}/start`,
    });
    assert.equal(status, 204);
  }
  serve.child.kill("SIGKILL");
  assert.deepEqual(await waitForDestroy(box, ids.removed), { exitCode: 7 });
  await eventually("one restart, and its end", () => {
    const { restartCount, status } = findContainer(box.engine.store, ids.restarted).state;
    return restartCount === 1 && status === "exited";
  });
  await noMonitors(box);
  await assertNothingRuns(box);
});

/** Only looks: who waits for a container's end settles it, too. */
async function waitForDestroy(box: Box, id: string) {
  await eventually("the removal", () => containerById(box.engine.store.database, id) === undefined);
  return await waitContainer(box.engine, id, "removed");
}
